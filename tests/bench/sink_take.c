/* sink_take.c - the three protocols, as far as a sink must know them; see
 * sink.c */
#include "tests/bench/sink.h"

#include <string.h>
#include <strings.h>

static void
answer(struct sink_client *c, const char *text)
{
	size_t len = strlen(text);

	if (c->out_len + len > sizeof c->out) {
		c->over = true;
		return;
	}
	memcpy(c->out + c->out_len, text, len);
	c->out_len += len;
}

/* ---- SMTP */

static bool
begins(const struct sink_client *c, const char *verb)
{
	return strncasecmp(c->line, verb, 4) == 0;
}

static void
smtp_command(struct sink_client *c)
{
	if (c->line_len < 4)
		answer(c, "500 what?\r\n");
	else if (begins(c, "EHLO"))
		answer(c, "250-sink.test\r\n250 PIPELINING\r\n");
	else if (begins(c, "RCPT")) {
		c->n_rcpts++;
		answer(c, "250 ok\r\n");
	} else if (begins(c, "DATA")) {
		c->in_text = c->n_rcpts > 0;
		c->dot = 2;
		answer(c, c->in_text ? "354 go on\r\n" : "503 no\r\n");
	} else if (begins(c, "QUIT")) {
		c->over = true;
		answer(c, "221 bye\r\n");
	} else {
		c->n_rcpts = 0;
		answer(c, "250 ok\r\n");
	}
	c->line_len = 0;
}

static void
smtp_text_byte(struct sink_client *c, char byte)
{
	static const char end[] = "\r\n.\r\n";

	if (byte == end[c->dot])
		c->dot++;
	else
		c->dot = byte == '\r';
	if (c->dot < 5)
		return;
	c->in_text = false;
	c->n_rcpts = 0;
	c->sink->n_taken++;
	answer(c, "250 ok\r\n");
}

/* Text is passed over by lines: only CR and what follows it is looked at. */
static bool
smtp_take(struct sink_client *c, const char *in, size_t len)
{
	const char *end = in + len, *cr;

	while (in < end) {
		if (c->in_text && c->dot == 0) {
			cr = memchr(in, '\r', (size_t)(end - in));
			if (cr == NULL)
				return true;
			in = cr;
		}
		if (c->in_text) {
			smtp_text_byte(c, *in++);
			continue;
		}
		if (*in == '\n')
			smtp_command(c);
		else if (c->line_len < sizeof c->line - 1)
			c->line[c->line_len++] = *in;
		else
			return false;
		in++;
	}
	return true;
}

/* ---- netstrings */

/* A whole string has been read; what comes next? */
static void
qmtp_string(struct sink_client *c)
{
	if (c->n_strings < 2) {
		c->n_strings++;
		return;
	}
	answer(c, "8:Kthanks.,");
}

static void
qmtp_list_end(struct sink_client *c)
{
	c->n_strings = 0;
	c->sink->n_taken++;
}

static void
string_over(struct sink_client *c)
{
	if (c->sink->kind == SINK_QMTP) {
		qmtp_string(c);
		return;
	}
	c->sink->n_taken++;
	c->over = true;
	answer(c, "8:Kthanks.,");
}

static bool
head_byte(struct sink_client *c, char byte)
{
	if (byte >= '0' && byte <= '9' && c->len < 100000000) {
		c->len = c->len * 10 + (uint64_t)(byte - '0');
		return true;
	}
	if (byte != ':')
		return false;
	/* The recipient list is a netstring of netstrings. */
	if (c->sink->kind == SINK_QMTP && c->n_strings == 2 &&
	    c->list_left == 0) {
		c->list_left = c->len + 1;
		c->len = 0;
		return true;
	}
	c->left = c->len;
	c->len = 0;
	c->net = c->left > 0 ? SINK_SKIP : SINK_COMMA;
	return true;
}

static bool
net_byte(struct sink_client *c, char byte)
{
	bool listed = c->list_left > 0;

	if (listed)
		c->list_left--;
	if (listed && c->list_left == 0) {
		qmtp_list_end(c);
		return byte == ',';
	}
	if (c->net == SINK_HEAD)
		return head_byte(c, byte);
	c->net = SINK_HEAD;
	string_over(c);
	return byte == ',';
}

static bool
net_take(struct sink_client *c, const char *in, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		if (c->net == SINK_SKIP) {
			n = c->left < len - i ? (size_t)c->left : len - i;
			c->left -= n;
			i += n;
			if (c->list_left > 0)
				c->list_left -= n < c->list_left ? n : 0;
			if (c->left == 0)
				c->net = SINK_COMMA;
			continue;
		}
		if (!net_byte(c, in[i++]))
			return false;
	}
	return true;
}

/* ---- all */

bool
sink_protocol(struct sink *s, const char *name)
{
	if (!strcmp(name, "smtp"))
		s->kind = SINK_SMTP;
	else if (!strcmp(name, "qmtp"))
		s->kind = SINK_QMTP;
	else if (!strcmp(name, "qmqp"))
		s->kind = SINK_QMQP;
	else
		return false;
	return true;
}

void
sink_greet(struct sink_client *c)
{
	if (c->sink->kind == SINK_SMTP)
		answer(c, "220 sink.test\r\n");
}

bool
sink_take(struct sink_client *c, const char *in, size_t len)
{
	return c->sink->kind == SINK_SMTP ? smtp_take(c, in, len)
					  : net_take(c, in, len);
}
