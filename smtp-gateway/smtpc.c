#include "smtp-gateway/smtpc.h"

#include "lib/address.h"

void
smtpc_init(struct smtpc *c, struct buf *out, struct slice helo)
{
	*c = (struct smtpc){.out = out, .helo = helo};
}

/* commands */

static void
greet(struct smtpc *c, const char *verb)
{
	buf_text(c->out, verb);
	buf_puts(c->out, c->helo);
	buf_text(c->out, "\r\n");
}

static void
put_path(struct smtpc *c, const char *command, struct slice address)
{
	buf_text(c->out, command);
	address_put_quoted(c->out, address);
	buf_putc(c->out, '>');
}

static void
put_mail(struct smtpc *c)
{
	put_path(c, "MAIL FROM:<", c->mail->sender);
	if (c->has_size) {
		buf_text(c->out, " SIZE=");
		buf_number(c->out, c->mail->size);
	}
	if (c->eightbit && c->mail->has_8bit)
		buf_text(c->out, " BODY=8BITMIME");
	buf_text(c->out, "\r\n");
}

static void
put_rcpt(struct smtpc *c, size_t i)
{
	put_path(c, "RCPT TO:<", c->mail->rcpts[i]);
	buf_text(c->out, "\r\n");
}

static void
put_data(struct smtpc *c)
{
	buf_text(c->out, "DATA\r\n");
}

void
smtpc_mail(struct smtpc *c, const struct smtpc_mail *mail)
{
	size_t i;

	c->mail = mail;
	c->rcpt = 0;
	c->n_told = 0;
	c->n_good = 0;
	c->failed = false;
	c->state = SMTPC_S_MAIL;
	put_mail(c);
	if (!c->pipelining)
		return;
	for (i = 0; i < mail->n_rcpts; i++)
		put_rcpt(c, i);
	put_data(c);
}

void
smtpc_text_end(struct smtpc *c)
{
	c->state = SMTPC_S_FINAL;
	c->sent = true;
}

void
smtpc_quit(struct smtpc *c)
{
	buf_text(c->out, "QUIT\r\n");
	c->state = SMTPC_S_QUIT;
}

/* replies */

static void
capability(struct smtpc *c, struct slice line)
{
	struct slice word = slice_word(&line);

	if (slice_case_eq(word, SLICE("PIPELINING"))) {
		c->pipelining = true;
	} else if (slice_case_eq(word, SLICE("8BITMIME"))) {
		c->eightbit = true;
	} else if (slice_case_eq(word, SLICE("SIZE"))) {
		c->has_size = true;
		if (slice_number(slice_word(&line), UINT64_MAX, &c->max_size) !=
		    0)
			c->max_size = 0;
	}
}

static void
join(struct smtpc *c, struct slice line)
{
	size_t n;

	if (c->reply.first)
		c->len = 0;
	else if (c->len < SMTPC_TEXT_MAX)
		c->text[c->len++] = ' ';
	n = SMTPC_TEXT_MAX - c->len;
	if (n > line.len)
		n = line.len;
	memcpy(c->text + c->len, line.at, n);
	c->len += n;
}

static enum smtpc_event
broken(struct smtpc *c)
{
	c->state = SMTPC_S_BROKEN;
	return SMTPC_BROKEN;
}

static bool
good(const struct smtpc *c)
{
	return c->code / 100 == 2;
}

static enum smtpc_event
ready(struct smtpc *c)
{
	c->state = SMTPC_S_READY;
	c->mail = NULL;
	return SMTPC_READY;
}

static enum smtpc_event
reset(struct smtpc *c, enum smtpc_event event)
{
	buf_text(c->out, "RSET\r\n");
	c->state = SMTPC_S_RSET;
	return event;
}

static enum smtpc_event
greeting(struct smtpc *c)
{
	if (!good(c))
		return broken(c);
	greet(c, "EHLO ");
	c->state = SMTPC_S_EHLO;
	return SMTPC_MORE;
}

static enum smtpc_event
hello(struct smtpc *c)
{
	if (good(c))
		return ready(c);
	if (c->state == SMTPC_S_HELO || c->code / 100 != 5)
		return broken(c);
	greet(c, "HELO ");
	c->state = SMTPC_S_HELO;
	c->pipelining = c->eightbit = c->has_size = false;
	return SMTPC_MORE;
}

static enum smtpc_event
mail_reply(struct smtpc *c)
{
	c->state = SMTPC_S_RCPT;
	if (good(c)) {
		if (!c->pipelining)
			put_rcpt(c, 0);
		return SMTPC_MORE;
	}
	c->failed = true;
	return c->pipelining ? SMTPC_FAILED : reset(c, SMTPC_FAILED);
}

static enum smtpc_event
rcpt_reply(struct smtpc *c)
{
	bool is_last;

	c->rcpt = c->n_told++;
	is_last = c->n_told == c->mail->n_rcpts;
	if (is_last)
		c->state = SMTPC_S_DATA;
	if (c->failed)
		return SMTPC_MORE;
	if (good(c))
		c->n_good++;
	if (c->pipelining)
		return SMTPC_RCPT;
	if (!is_last)
		put_rcpt(c, c->n_told);
	else if (c->n_good > 0)
		put_data(c);
	else
		return reset(c, SMTPC_RCPT);
	return SMTPC_RCPT;
}

static enum smtpc_event
data_reply(struct smtpc *c)
{
	if (c->code / 100 != 3)
		return reset(c, c->failed ? SMTPC_MORE : SMTPC_FAILED);
	if (c->failed)
		return broken(c); /* it would take a mail it has refused */
	c->state = SMTPC_S_TEXT;
	if (c->n_good > 0)
		return SMTPC_SEND;
	buf_text(c->out, ".\r\n");
	c->state = SMTPC_S_FINAL;
	return SMTPC_MORE;
}

static enum smtpc_event
final_reply(struct smtpc *c)
{
	c->sent = false;
	if (c->code / 100 == 3)
		return broken(c);
	if (c->n_good == 0)
		return reset(c, SMTPC_MORE);
	ready(c);
	return SMTPC_DONE;
}

static enum smtpc_event
whole_reply(struct smtpc *c)
{
	if (c->code == 421)
		return broken(c);
	switch (c->state) {
	case SMTPC_S_GREETING: return greeting(c);
	case SMTPC_S_EHLO:
	case SMTPC_S_HELO: return hello(c);
	case SMTPC_S_MAIL: return mail_reply(c);
	case SMTPC_S_RCPT: return rcpt_reply(c);
	case SMTPC_S_DATA: return data_reply(c);
	case SMTPC_S_FINAL: return final_reply(c);
	case SMTPC_S_RSET: return good(c) ? ready(c) : broken(c);
	case SMTPC_S_READY: /* nobody asked */
	case SMTPC_S_TEXT:
	case SMTPC_S_QUIT:
	case SMTPC_S_BROKEN: break;
	}
	return broken(c);
}

static enum smtpc_event
reply_line(struct smtpc *c)
{
	struct slice line = slice_of(c->reply.line, c->reply.len);

	join(c, line);
	if (c->state == SMTPC_S_EHLO && !c->reply.first)
		capability(c, line);
	if (!c->reply.last)
		return SMTPC_MORE;
	c->code = c->reply.code;
	return whole_reply(c);
}

enum smtpc_event
smtpc_push(struct smtpc *c, struct slice *in)
{
	enum smtpc_event e = SMTPC_MORE;

	while (e == SMTPC_MORE && c->state != SMTPC_S_BROKEN && in->len > 0) {
		switch (reply_push(&c->reply, in)) {
		case REPLY_MORE: break;
		case REPLY_LINE: e = reply_line(c); break;
		case REPLY_BAD:
			c->code = 0;
			e = broken(c);
			break;
		}
	}
	return e;
}

/* what came of it */

static struct slice
status(struct slice said, char class)
{
	static const char *const none[] = {"2.0.0", "4.0.0", "5.0.0"};
	size_t i = 0, dots = 0;

	while (i < said.len &&
	       (said.at[i] == '.' || (said.at[i] >= '0' && said.at[i] <= '9')))
		dots += said.at[i++] == '.';
	if (dots == 2 && i >= 5 && i <= 9 && said.at[0] == class &&
	    said.at[1] == '.')
		return slice_of(said.at, i);
	return slice_text(none[class == '2' ? 0 : class == '4' ? 1 : 2]);
}

struct line {
	char at[VERDICT_TEXT_MAX];
	size_t len;
};

static void
put(struct line *line, struct slice s)
{
	if (s.len > sizeof line->at - line->len)
		s.len = sizeof line->at - line->len;
	memcpy(line->at + line->len, s.at, s.len);
	line->len += s.len;
}

void
smtpc_verdict(const struct smtpc *c, struct slice host, struct verdict *v)
{
	struct slice said = slice_of(c->text, c->len);
	char letter = c->code / 100 == 2 ? 'K' : c->code / 100 == 5 ? 'D' : 'Z';
	char class = letter == 'K' ? '2' : letter == 'D' ? '5' : '4';
	char code[4] = {(char)('0' + c->code / 100 % 10),
			(char)('0' + c->code / 10 % 10),
			(char)('0' + c->code % 10), ' '};
	struct line line = {.len = 0};

	if (host.len > SMTPC_HOST_MAX)
		host.len = SMTPC_HOST_MAX;
	put(&line, host);
	if (c->code == 0) {
		put(&line, SLICE(" talks no SMTP (#4.5.0)"));
	} else {
		put(&line, SLICE(" said: "));
		put(&line, slice_of(code, sizeof code));
		put(&line, said);
		put(&line, SLICE(" (#"));
		put(&line, status(said, class));
		put(&line, SLICE(")"));
	}
	verdict_set(v, letter, slice_of(line.at, line.len));
}

const char *
smtpc_where(const struct smtpc *c)
{
	static const char *const where[] = {
	    [SMTPC_S_GREETING] = "waiting for the greeting",
	    [SMTPC_S_EHLO] = "saying EHLO",
	    [SMTPC_S_HELO] = "saying HELO",
	    [SMTPC_S_READY] = "idle",
	    [SMTPC_S_MAIL] = "saying MAIL",
	    [SMTPC_S_RCPT] = "saying RCPT",
	    [SMTPC_S_DATA] = "saying DATA",
	    [SMTPC_S_TEXT] = "sending the text",
	    [SMTPC_S_FINAL] = "waiting for the reply to the text",
	    [SMTPC_S_RSET] = "saying RSET",
	    [SMTPC_S_QUIT] = "saying QUIT",
	    [SMTPC_S_BROKEN] = "broken"};

	return where[c->state];
}
