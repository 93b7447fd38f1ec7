/* How a TLS stream ends: why, and in which words. */
#include "lib/tls_parts.h"

#include <errno.h>
#include <sys/socket.h>

enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22 };

void
tls_handshake_over(struct tls *t, bool good)
{
	t->open = good;
	if (t->recall.over)
		t->recall.over(t);
	t->recall.over = NULL;
}

int
tls_failed(struct tls *t, int error)
{
	if (!t->open)
		tls_handshake_over(t, false);
	t->error = error;
	errno = error;
	return -1;
}

int
tls_failed_text(struct tls *t, const char *why)
{
	buf_text(&t->why, why);
	buf_putc(&t->why, 0);
	return tls_failed(t, EPROTO);
}

int
tls_ended(struct tls *t)
{
	t->ended = true;
	return tls_failed(t, EPIPE);
}

/* BearSSL ends some failures without a word to the peer. As long as nothing
 * of ours is encrypted, we can say it ourselves. */
static void
send_alert(const struct stream *s, int error)
{
	uint8_t alert[] = {RECORD_ALERT, 3, 3, 0, 2, 2, 40};
	ssize_t n;

	if (error >= BR_ERR_RECV_FATAL_ALERT)
		return;
	if (error == BR_ERR_X509_EXPIRED)
		alert[6] = 45;
	else if (error == BR_ERR_X509_NOT_TRUSTED)
		alert[6] = 48;
	else if (error > BR_ERR_X509_OK)
		alert[6] = 42;
	else if (error == BR_ERR_UNSUPPORTED_VERSION ||
		 error == BR_ERR_BAD_VERSION)
		alert[6] = 70;
	n = send(s->fd, alert, sizeof alert, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n; /* it is a courtesy */
}

static void
put_other_key(struct buf *why, const struct tls_check *c)
{
	buf_text(why, "the server's key is ");
	tls_pin_put(why, &c->pin);
	buf_text(why, " and not the one that we know it by");
}

/* The engine is closed: is that the end, or why? */
int
tls_closed(struct stream *s)
{
	struct tls *t = s->state;
	int error = br_ssl_engine_last_error(t->engine);

	if (error == BR_ERR_OK && t->open)
		return tls_ended(t);
	if (!t->open)
		send_alert(s, error);
	if (t->first >= 0 && t->first != RECORD_HANDSHAKE &&
	    t->first != RECORD_ALERT)
		return tls_failed_text(t,
				       "the peer speaks clear text, not TLS");
	if (error == BR_ERR_OK)
		return tls_failed_text(t, "the peer ended the handshake");
	if (t->check && t->check->different)
		put_other_key(&t->why, t->check);
	else if (t->verify && t->verify->nameless)
		buf_text(&t->why, "the server's certificate has no "
				  "subjectAltName, where its name must be");
	else
		tls_text_put(&t->why, error);
	return tls_failed_text(t, "");
}

int
tls_cut(struct tls *t)
{
	if (t->open)
		return tls_failed_text(t,
				       "the connection was cut: the peer has "
				       "not said that this is the end");
	if (t->first < 0)
		return tls_failed_text(t,
				       "the peer closed the connection before "
				       "a byte of TLS came; perhaps it speaks "
				       "clear text there");
	return tls_failed_text(t, "the peer closed the connection in the "
				  "handshake");
}
