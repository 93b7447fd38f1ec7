#include "queue/incoming.h"

#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/netstring.h"

#include <fcntl.h>

void
big_name(char name[BIG_NAME], uint64_t id)
{
	hex_put(name, 16, id);
	name[16] = 0;
}

static int
append_big(struct incoming *in, struct slice text, uint64_t where)
{
	if (fs_write_all(in->big_fd, text.at, text.len, (off_t)where) != 0)
		return -1;
	in->big_crc = crc32c(in->big_crc, text);
	return 0;
}

static int
spill(struct incoming *in, int big_dir)
{
	char name[BIG_NAME];
	int fd;

	big_name(name, in->id);
	fd = fs_open(big_dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	in->big_fd = fd;
	if (append_big(in, buf_slice(&in->text), 0) != 0)
		return -1;
	buf_free(&in->text);
	return 0;
}

/* The text's buffer doubles, but not past most: that much is counted on. */
static void
make_room(struct incoming *in, size_t n, size_t most)
{
	struct buf grown = {0};
	size_t need = in->text.len + n;

	if (need <= in->text.cap || in->text.cap <= most / 2)
		return;
	buf_room(&grown, need < most ? most : need);
	buf_puts(&grown, buf_slice(&in->text));
	buf_free(&in->text);
	in->text = grown;
}

int
incoming_text(struct incoming *in, int big_dir, size_t small, struct slice text)
{
	uint64_t where = in->text_len;

	hops_push(&in->hops, text);
	if (in->big_fd <= 0 && in->text.len + text.len > small &&
	    spill(in, big_dir) != 0)
		return -1;
	in->text_len += text.len;
	if (in->big_fd > 0)
		return append_big(in, text, where);
	make_room(in, text.len, small);
	buf_puts(&in->text, text);
	return 0;
}

void
incoming_rcpt(struct incoming *in, struct slice rcpt)
{
	netstring_put(&in->rcpts, rcpt);
	in->n_rcpts++;
}

int
incoming_attr(struct incoming *in, struct slice attr)
{
	if (in->attrs.len + attr.len > INCOMING_ATTRS_MAX)
		return -1;
	netstring_put(&in->attrs, attr);
	return 0;
}

void
incoming_free(struct incoming *in, int big_dir)
{
	char name[BIG_NAME];

	if (in->big_fd > 0) {
		fs_close(in->big_fd);
		big_name(name, in->id);
		fs_unlink(big_dir, name);
	}
	buf_free(&in->sender);
	buf_free(&in->rcpts);
	buf_free(&in->attrs);
	buf_free(&in->text);
	hops_free(&in->hops);
	*in = (struct incoming){0};
}
