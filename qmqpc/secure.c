#include "qmqpc/secure.h"

#include "lib/tls.h"

#include <errno.h>
#include <unistd.h>

#define ROOTS_FILE "tls/ca.pem"

static void
put_path(struct buf *path, const struct secure *s, const char *file)
{
	buf_text(path, s->dir);
	buf_putc(path, '/');
	buf_text(path, file);
	buf_putc(path, 0);
}

/* A directory that we may not enter is not one without the file. */
static int
look(const char *path, bool *is_there, struct buf *why)
{
	*is_there = access(path, F_OK) == 0;
	if (*is_there || errno == ENOENT || errno == ENOTDIR)
		return 0;
	buf_text(why, path);
	buf_text(why, ": ");
	buf_text(why, strerror(errno));
	return -1;
}

static int
read_key(struct secure *s, struct buf *why)
{
	struct buf cert = {0}, key = {0};
	bool is_there;
	int r;

	put_path(&cert, s, TLS_CERT_FILE);
	put_path(&key, s, TLS_KEY_FILE);
	r = look(cert.mem, &is_there, why);
	if (r == 0 && is_there) {
		s->key = tls_key_open(cert.mem, key.mem, why);
		r = s->key ? 0 : -1;
	}
	buf_free(&cert);
	buf_free(&key);
	return r;
}

static int
read_roots(struct secure *s, struct buf *why)
{
	struct buf own = {0};
	bool is_there;
	int r;

	put_path(&own, s, ROOTS_FILE);
	r = look(own.mem, &is_there, why);
	if (r == 0) {
		s->roots =
		    tls_roots_open(is_there ? own.mem : TLS_SYSTEM_ROOTS, why);
		r = s->roots ? 0 : -1;
	}
	buf_free(&own);
	return r;
}

int
secure_ready(struct secure *s, const struct hop_name *hub, struct buf *why)
{
	if (!s->key && read_key(s, why) != 0)
		return -1;
	return hub->is_pinned || s->roots ? 0 : read_roots(s, why);
}

void
secure_start(const struct secure *s, const struct hop_name *hub,
	     struct stream *stream)
{
	struct buf name = {0};
	struct tls_expected e = {.pin = hub->is_pinned ? &hub->pin : NULL,
				 .roots = s->roots};

	if (!hub->is_pinned) {
		buf_puts(&name, hub->host);
		buf_putc(&name, 0);
		e.name = name.mem;
	}
	tls_client(stream, s->key, &e);
	buf_free(&name);
}

void
secure_forget(struct secure *s)
{
	tls_key_close(s->key);
	tls_roots_close(s->roots);
	*s = (struct secure){.dir = s->dir};
}
