#include "lib/tls.h"

#include "lib/loop.h"
#include "lib/tls_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORD_TEXT = 16384 };

static struct tls *
tls_of(const struct stream *s)
{
	return s->state;
}

static unsigned
state_of(const struct tls *t)
{
	return br_ssl_engine_current_state(t->engine);
}

/* records */

static int
send_records(struct stream *s)
{
	struct tls *t = tls_of(s);
	size_t len;
	uint8_t *at;
	ssize_t n;

	while ((at = br_ssl_engine_sendrec_buf(t->engine, &len))) {
		do
			n = send(s->fd, at, len, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -1;
		br_ssl_engine_sendrec_ack(t->engine, (size_t)n);
	}
	return 0;
}

static int
receive(struct stream *s)
{
	struct tls *t = tls_of(s);
	size_t len;
	uint8_t *at = br_ssl_engine_recvrec_buf(t->engine, &len);
	const char *why;
	ssize_t n;

	do
		n = recv(s->fd, at, len, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return tls_cut(t);
	if (n < 0)
		return errno == EAGAIN ? -1 : tls_failed(t, errno);
	if (t->first < 0)
		t->first = at[0];
	why = tls_intake_push(t, at, (size_t)n);
	br_ssl_engine_recvrec_ack(t->engine, (size_t)n);
	return why ? tls_failed_text(t, why) : 0;
}

static bool
is_open(struct tls *t)
{
	if (!t->open && (state_of(t) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)))
		tls_handshake_over(t, true);
	return t->open;
}

/* One step of what there is to do; 0: go on, -1 with errno. When this call
 * has had its share, EAGAIN says so too: the descriptor is ready still.
 * That we cannot send is not all: what the peer sent before it left may say
 * why, so receiving goes on. */
static int
advance(struct stream *s)
{
	struct tls *t = tls_of(s);
	unsigned state = state_of(t);

	if (t->error)
		return tls_failed(t, t->error);
	if (state & BR_SSL_CLOSED)
		return tls_closed(s);
	is_open(t);
	if ((state & BR_SSL_SENDREC) && send_records(s) == 0)
		return 0;
	/* An open engine always receives, but when the peer has said that
	 * this is the end, and our answer to that could not be sent. */
	if (t->open && !(state & (BR_SSL_RECVREC | BR_SSL_RECVAPP)))
		return tls_ended(t);
	if ((state & BR_SSL_RECVREC) && !tls_intake_spent(t))
		return receive(s);
	errno = EAGAIN;
	return -1;
}

/* the stream */

static size_t
take(struct tls *t, uint8_t *to, size_t max)
{
	size_t len;
	uint8_t *at = br_ssl_engine_recvapp_buf(t->engine, &len);

	if (!at)
		return 0;
	is_open(t);
	if (len > max)
		len = max;
	memcpy(to, at, len);
	br_ssl_engine_recvapp_ack(t->engine, len);
	tls_intake_content(t);
	return len;
}

/* No more records are fetched than the caller has room for, so that nothing
 * is left in the engine but when his room is small. */
static ssize_t
tls_read(struct stream *s, void *to, size_t max)
{
	struct tls *t = tls_of(s);
	size_t got = 0, n;

	tls_intake_call(t);
	while (got < max) {
		n = take(t, (uint8_t *)to + got, max - got);
		got += n;
		if (n > 0)
			continue;
		if ((got > 0 && max - got < RECORD_TEXT) || advance(s) != 0)
			break;
	}
	if (got > 0)
		return (ssize_t)got;
	return t->ended ? 0 : -1;
}

static ssize_t
tls_write(struct stream *s, const void *from, size_t n)
{
	struct tls *t = tls_of(s);
	size_t put = 0, len;
	uint8_t *at;

	tls_intake_call(t);
	while (put < n) {
		at = br_ssl_engine_sendapp_buf(t->engine, &len);
		if (at) {
			is_open(t);
			if (len > n - put)
				len = n - put;
			memcpy(at, (const uint8_t *)from + put, len);
			br_ssl_engine_sendapp_ack(t->engine, len);
			put += len;
		} else if (state_of(t) & BR_SSL_SENDREC) {
			if (send_records(s) != 0)
				break;
		} else if (t->open && !(state_of(t) & BR_SSL_CLOSED)) {
			errno = EAGAIN;
			break;
		} else if (advance(s) != 0) {
			break;
		}
	}
	return put > 0 || n == 0 ? (ssize_t)put : -1;
}

static int
tls_flush(struct stream *s)
{
	struct tls *t = tls_of(s);

	tls_intake_call(t);
	while (!t->error && !is_open(t))
		if (advance(s) != 0)
			return -1;
	if (!t->error) {
		br_ssl_engine_flush(t->engine, 0);
		if (send_records(s) != 0)
			return -1;
		if (state_of(t) & BR_SSL_CLOSED)
			tls_closed(s);
	}
	/* behind the peer's end there is nothing to do any more */
	return t->error && !t->ended ? tls_failed(t, t->error) : 0;
}

static unsigned
tls_wants(const struct stream *s)
{
	const struct tls *t = tls_of(s);
	unsigned state = state_of(t), wants = 0;

	if (t->error || (state & BR_SSL_CLOSED))
		return 0;
	if (state & BR_SSL_SENDREC)
		wants |= LOOP_WRITE;
	if (!t->open && (state & BR_SSL_RECVREC))
		wants |= LOOP_READ;
	return wants;
}

static bool
tls_pending(const struct stream *s)
{
	const struct tls *t = tls_of(s);

	return t->error || (state_of(t) & (BR_SSL_RECVAPP | BR_SSL_CLOSED));
}

static const char *
tls_why(const struct stream *s)
{
	const struct tls *t = tls_of(s);

	return t->why.len > 0 ? buf_slice(&t->why).at : NULL;
}

/* What the peer sent and nobody read must go first: the engine waits for
 * that before it says the end. */
static void
say_end(struct stream *s)
{
	struct tls *t = tls_of(s);
	size_t len;

	if (!t->open || t->error)
		return;
	if (br_ssl_engine_recvapp_buf(t->engine, &len))
		br_ssl_engine_recvapp_ack(t->engine, len);
	br_ssl_engine_close(t->engine);
	send_records(s);
}

static int
tls_end(struct stream *s)
{
	struct tls *t = tls_of(s);
	int fd = s->fd;

	say_end(s);
	if (t->is_server) {
		explicit_bzero(t->side.server, sizeof *t->side.server);
		free(t->side.server);
	} else {
		explicit_bzero(t->side.client, sizeof *t->side.client);
		free(t->side.client);
	}
	free(t->check);
	tls_verify_free(t->verify);
	free(t->in);
	free(t->out);
	buf_free(&t->why);
	free(t);
	s->state = NULL;
	s->fd = -1;
	return fd;
}

static bool
tls_opened(const struct stream *s)
{
	return tls_of(s)->open;
}

const struct stream_kind tls_kind = {
    .read = tls_read,
    .write = tls_write,
    .wants = tls_wants,
    .end = tls_end,
    .flush = tls_flush,
    .pending = tls_pending,
    .why = tls_why,
    .is_open = tls_opened,
};

bool
tls_is_on(const struct stream *s)
{
	return s->kind == &tls_kind;
}

bool
tls_is_open(const struct stream *s)
{
	return tls_is_on(s) && tls_of(s)->open;
}

bool
tls_is_resumed(const struct stream *s)
{
	return tls_is_open(s) && tls_of(s)->resumed;
}

void
tls_protocols(struct stream *s, const char *const *names, size_t n)
{
	struct tls *t = tls_of(s);

	/* BearSSL only reads them */
	br_ssl_engine_set_protocol_names(t->engine,
					 (const char **)(uintptr_t)names, n);
	if (!t->is_server)
		tls_client_again(t, false);
}

const char *
tls_protocol(const struct stream *s)
{
	if (!tls_is_open(s))
		return NULL;
	return br_ssl_engine_get_selected_protocol(tls_of(s)->engine);
}

bool
tls_peer(const struct stream *s, struct tls_pin *pin)
{
	const struct tls *t = s->state;

	if (!tls_is_open(s) || !t->check || !t->check->good)
		return false;
	*pin = t->check->pin;
	return true;
}
