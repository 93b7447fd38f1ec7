#include "lib/tls_pem.h"

#include "lib/fs.h"

#include <bearssl.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 4096 };

static int
fault(struct buf *why, const char *file, const char *what)
{
	buf_text(why, file);
	buf_text(why, ": ");
	buf_text(why, what);
	return -1;
}

struct reading {
	br_pem_decoder_context pem;
	struct buf der;
	bool inside, bad;
	void (*object)(void *user, const char *kind, struct slice der);
	void *user;
};

static void
keep(void *user, const void *at, size_t n)
{
	buf_put(user, at, n);
}

static void
decode(struct reading *r, struct slice in)
{
	while (!r->bad && in.len > 0) {
		in =
		    slice_from(in, br_pem_decoder_push(&r->pem, in.at, in.len));
		switch (br_pem_decoder_event(&r->pem)) {
		case BR_PEM_BEGIN_OBJ:
			r->inside = true;
			buf_clear(&r->der);
			br_pem_decoder_setdest(&r->pem, keep, &r->der);
			break;
		case BR_PEM_END_OBJ:
			r->inside = false;
			r->object(r->user, br_pem_decoder_name(&r->pem),
				  buf_slice(&r->der));
			break;
		case BR_PEM_ERROR: r->bad = true; break;
		}
	}
}

/* By pieces: a leaf has no memory for all of the system's authorities as
 * text. */
static int
read_open(struct reading *r, int fd, mode_t *mode_r)
{
	char piece[PIECE];
	struct stat st;
	ssize_t n;
	off_t at = 0;

	if (fs_stat(fd, &st) != 0)
		return -1;
	if (mode_r)
		*mode_r = st.st_mode;
	if (!S_ISREG(st.st_mode) || st.st_size > TLS_PEM_FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	while ((n = fs_read(fd, piece, sizeof piece, at)) > 0 &&
	       at < TLS_PEM_FILE_MAX) {
		decode(r, slice_of(piece, (size_t)n));
		at += n;
	}
	explicit_bzero(piece, sizeof piece);
	return n < 0 ? -1 : 0;
}

/* Follows links: certificates are often given as such. */
static int
read_file(struct reading *r, const char *file, mode_t *mode_r, struct buf *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result = fd < 0 ? -1 : read_open(r, fd, mode_r);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (result != 0)
		return fault(why, file, strerror(error));
	decode(r, SLICE("\n")); /* it wants one at the end */
	return 0;
}

int
tls_pem_read(const char *file, mode_t *mode_r, struct buf *why,
	     void (*object)(void *user, const char *kind, struct slice der),
	     void *user)
{
	struct reading r = {.object = object, .user = user};
	int result;

	br_pem_decoder_init(&r.pem);
	result = read_file(&r, file, mode_r, why);
	if (result == 0 && (r.bad || r.inside))
		result = fault(why, file, "this is not good PEM");
	if (r.der.cap > 0)
		explicit_bzero(r.der.mem, r.der.cap);
	explicit_bzero(&r.pem, sizeof r.pem);
	buf_free(&r.der);
	return result;
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
