#include "qmqpc/package.h"

#include "lib/netstring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Not every file system knows O_TMPFILE: a name that lives for a moment. */
static int
file_in(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct buf path = {0};

	if (fd >= 0)
		return fd;
	buf_text(&path, dir);
	buf_text(&path, "/quailXXXXXX");
	buf_putc(&path, 0);
	fd = mkostemp(path.mem, O_CLOEXEC);
	if (fd >= 0)
		unlink(path.mem);
	buf_free(&path);
	return fd;
}

/* A leaf may have nowhere to write: then, and only then, more memory. */
static int
file_open(void)
{
	const char *dir = secure_getenv("TMPDIR");
	int fd = dir && *dir ? file_in(dir) : -1;

	if (fd < 0)
		fd = file_in("/tmp");
	if (fd < 0)
		fd = memfd_create("quail", MFD_CLOEXEC);
	return fd;
}

static int
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.at, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s = slice_from(s, (size_t)n);
	}
	return 0;
}

static void
make_room(struct package *p)
{
	static const char room[PACKAGE_HEAD];

	buf_clear(&p->mem);
	buf_put(&p->mem, room, sizeof room);
}

/* Move what is in memory to the file. */
static int
spill(struct package *p)
{
	struct slice text = slice_from(buf_slice(&p->mem), PACKAGE_HEAD);

	if (!p->has_file) {
		p->fd = file_open();
		if (p->fd < 0)
			return -1;
		p->has_file = true;
	}
	if (write_all(p->fd, text) != 0)
		return -1;
	make_room(p);
	return 0;
}

int
package_text(struct package *p, struct slice text)
{
	size_t n;

	if (p->mem.len == 0)
		make_room(p);
	p->text_len += text.len;
	while (text.len > 0) {
		n = PACKAGE_HEAD + PACKAGE_MEMORY - p->mem.len;
		if (n == 0) {
			if (spill(p) != 0)
				return -1;
			continue;
		}
		if (n > text.len)
			n = text.len;
		buf_put(&p->mem, text.at, n);
		text = slice_from(text, n);
	}
	return 0;
}

void
package_borrow(struct package *p, int fd, uint64_t at, uint64_t len)
{
	p->fd = fd;
	p->has_file = p->is_borrowed = true;
	p->text_at = at;
	p->text_len = len;
}

static uint64_t
netstring_size(uint64_t len)
{
	uint64_t digits = 1, v;

	for (v = len; v >= 10; v /= 10)
		digits++;
	return digits + 1 + len + 1;
}

static void
make_head(struct package *p, uint64_t payload)
{
	struct buf head = {0};

	netstring_head_put(&head, payload);
	netstring_head_put(&head, p->text_len);
	p->head_len = head.len; /* at most 2 * 11 bytes */
	memcpy(p->head, buf_slice(&head).at, head.len);
	buf_free(&head);
}

int
package_seal(struct package *p, struct slice sender, struct slice rcpts)
{
	uint64_t payload = netstring_size(p->text_len) +
			   netstring_size(sender.len) + rcpts.len;

	if (package_text(p, SLICE("")) != 0 ||
	    (p->has_file && !p->is_borrowed && spill(p) != 0))
		return -1;
	make_head(p, payload);
	buf_putc(&p->tail, ',');
	netstring_put(&p->tail, sender);
	buf_puts(&p->tail, rcpts);
	buf_putc(&p->tail, ',');
	p->size = netstring_size(payload);
	if (p->has_file)
		return 0;
	memcpy(p->mem.mem + p->mem.off + PACKAGE_HEAD - p->head_len, p->head,
	       p->head_len);
	buf_puts(&p->mem, buf_slice(&p->tail));
	return 0;
}

/* A piece of text from the file, behind what is in p->mem already. */
static int
file_piece(struct package *p, uint64_t from)
{
	size_t want = PACKAGE_MEMORY;
	ssize_t n;

	if (want > p->text_len - from)
		want = (size_t)(p->text_len - from);
	if (want == 0)
		return 0;
	do
		n = pread(p->fd, buf_room(&p->mem, want), want,
			  (off_t)(p->text_at + from));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = EIO; /* somebody cut it */
	if (n <= 0)
		return -1;
	buf_added(&p->mem, (size_t)n);
	return 0;
}

int
package_piece(struct package *p, uint64_t at, struct slice *piece)
{
	uint64_t text_end = p->head_len + p->text_len;

	if (!p->has_file) {
		*piece = slice_from(buf_slice(&p->mem),
				    PACKAGE_HEAD - p->head_len + (size_t)at);
		return 0;
	}
	if (at >= text_end) {
		*piece =
		    slice_from(buf_slice(&p->tail), (size_t)(at - text_end));
		return 0;
	}
	buf_clear(&p->mem);
	if (at < p->head_len) {
		buf_put(&p->mem, p->head + at, p->head_len - (size_t)at);
		at = p->head_len;
	}
	if (file_piece(p, at - p->head_len) != 0)
		return -1;
	*piece = buf_slice(&p->mem);
	return 0;
}

void
package_free(struct package *p)
{
	if (p->has_file && !p->is_borrowed)
		close(p->fd);
	buf_free(&p->mem);
	buf_free(&p->tail);
	*p = (struct package){0};
}
