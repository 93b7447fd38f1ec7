#include "lib/tls_pem.h"

#include "lib/fs.h"

#include <bearssl.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
fault(struct buf *why, const char *file, const char *what)
{
	buf_text(why, file);
	buf_text(why, ": ");
	buf_text(why, what);
	return -1;
}

static int
read_open(int fd, mode_t *mode_r, struct buf *text)
{
	struct stat st;
	size_t n;

	if (fs_stat(fd, &st) != 0)
		return -1;
	if (mode_r)
		*mode_r = st.st_mode;
	if (!S_ISREG(st.st_mode) || st.st_size > TLS_PEM_FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	n = (size_t)st.st_size;
	if (n > 0 && fs_read_all(fd, buf_room(text, n), n, 0) != 0)
		return -1;
	buf_added(text, n);
	return 0;
}

/* Follows links: certificates are often given as such. */
static int
read_file(const char *file, mode_t *mode_r, struct buf *text, struct buf *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -1 : read_open(fd, mode_r, text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (r != 0)
		fault(why, file, strerror(error));
	buf_text(text, "\n"); /* the decoder wants one at the end */
	return r;
}

static void
keep(void *user, const void *at, size_t n)
{
	buf_put(user, at, n);
}

int
tls_pem_read(const char *file, mode_t *mode_r, struct buf *why,
	     void (*object)(void *user, const char *kind, struct slice der),
	     void *user)
{
	struct buf text = {0}, der = {0};
	br_pem_decoder_context pem;
	struct slice in;
	bool inside = false, bad = false;
	int r = read_file(file, mode_r, &text, why);

	br_pem_decoder_init(&pem);
	in = buf_slice(&text);
	while (r == 0 && !bad && in.len > 0) {
		in = slice_from(in, br_pem_decoder_push(&pem, in.at, in.len));
		switch (br_pem_decoder_event(&pem)) {
		case BR_PEM_BEGIN_OBJ:
			inside = true;
			buf_clear(&der);
			br_pem_decoder_setdest(&pem, keep, &der);
			break;
		case BR_PEM_END_OBJ:
			inside = false;
			object(user, br_pem_decoder_name(&pem),
			       buf_slice(&der));
			break;
		case BR_PEM_ERROR: bad = true; break;
		}
	}
	if (r == 0 && (bad || inside))
		r = fault(why, file, "this is not good PEM");
	if (der.cap > 0)
		explicit_bzero(der.mem, der.cap);
	if (text.cap > 0)
		explicit_bzero(text.mem, text.cap);
	buf_free(&der);
	buf_free(&text);
	return r;
}

void
tls_pem_put(struct buf *out, const char *kind, struct slice der)
{
	size_t n = br_pem_encode(NULL, der.at, der.len, kind, BR_PEM_LINE64);

	/* it writes a NUL behind */
	br_pem_encode(buf_room(out, n + 1), der.at, der.len, kind,
		      BR_PEM_LINE64);
	buf_added(out, n);
}
