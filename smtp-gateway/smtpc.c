#include "smtp-gateway/smtpc.h"

#include "lib/address.h"

void
smtpc_init(struct smtpc *c, struct buf *out, struct slice helo)
{
	*c = (struct smtpc){.out = out, .helo = helo, .n_due = 1};
}

/* commands */

static void
end_line(struct smtpc *c)
{
	buf_text(c->out, "\r\n");
	c->n_due++;
}

static void
greet(struct smtpc *c, const char *verb)
{
	buf_text(c->out, verb);
	buf_puts(c->out, c->helo);
	end_line(c);
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
	end_line(c);
}

static void
put_rcpt(struct smtpc *c, size_t i)
{
	put_path(c, "RCPT TO:<", c->mail->rcpts[i]);
	end_line(c);
}

static void
put_data(struct smtpc *c)
{
	buf_text(c->out, "DATA");
	end_line(c);
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
	c->all_told = false;
	c->refusal = 0;
	c->code = 0;
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
	c->n_due++;
}

bool
smtpc_quiet(const struct smtpc *c)
{
	const struct reply *r = &c->reply;

	return r->length == 0 || (r->told && r->last);
}

void
smtpc_quit(struct smtpc *c)
{
	buf_text(c->out, "QUIT");
	end_line(c);
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

static bool
good(const struct smtpc *c)
{
	return c->code / 100 == 2;
}

static bool
refused(const struct smtpc *c)
{
	return c->code / 100 == 4 || c->code / 100 == 5;
}

/* The next reply begins; if that is a stray one, the last refusal is what the
 * sender wants to know. */
static void
keep_refusal(struct smtpc *c)
{
	if (!refused(c))
		return;
	c->refusal = c->code;
	c->refusal_len = c->len;
	memcpy(c->refusal_text, c->text, c->len);
}

static void
join(struct smtpc *c, struct slice line)
{
	size_t n;

	if (c->reply.first) {
		keep_refusal(c);
		c->len = 0;
	} else if (c->len < SMTPC_TEXT_MAX) {
		c->text[c->len++] = ' ';
	}
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

enum smtpc_event
smtpc_stray(struct smtpc *c)
{
	c->stray = true;
	c->all_told = false;
	return broken(c);
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
	buf_text(c->out, "RSET");
	end_line(c);
	c->state = SMTPC_S_RSET;
	c->all_told = true;
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
	if (!refused(c))
		return smtpc_stray(c);
	c->failed = true;
	return c->pipelining ? SMTPC_FAILED : reset(c, SMTPC_FAILED);
}

static enum smtpc_event
rcpt_reply(struct smtpc *c)
{
	bool is_last;

	if (!good(c) && !refused(c))
		return smtpc_stray(c);
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
	if (refused(c))
		return reset(c, c->failed ? SMTPC_MORE : SMTPC_FAILED);
	if (good(c) || c->failed) /* no text was sent yet; none will be */
		return smtpc_stray(c);
	c->state = SMTPC_S_TEXT;
	if (c->n_good > 0)
		return SMTPC_SEND;
	buf_text(c->out, ".");
	end_line(c);
	c->state = SMTPC_S_FINAL;
	return SMTPC_MORE;
}

static enum smtpc_event
final_reply(struct smtpc *c)
{
	if (!good(c) && !refused(c))
		return smtpc_stray(c);
	c->sent = false;
	if (c->n_good == 0)
		return reset(c, SMTPC_MORE);
	ready(c);
	return SMTPC_DONE;
}

/* Is there more behind the last reply that was asked for? It was said before
 * our next word can have been heard, so the replies are out of step: none of
 * them can be believed. But a server may say goodbye at any time. */
static bool
out_of_step(const struct smtpc *c, struct slice behind)
{
	size_t n = behind.len < 3 ? behind.len : 3;

	if (c->n_due > 0 || n == 0)
		return false;
	return c->state == SMTPC_S_DATA || memcmp(behind.at, "421", n) != 0;
}

static enum smtpc_event
whole_reply(struct smtpc *c, struct slice behind)
{
	if (c->code == 421)
		return broken(c);
	if (c->n_due == 0) /* a text may be refused before its end */
		return c->state == SMTPC_S_TEXT && refused(c) ? broken(c)
							      : smtpc_stray(c);
	c->n_due--;
	if (out_of_step(c, behind))
		return smtpc_stray(c);
	switch (c->state) {
	case SMTPC_S_GREETING: return greeting(c);
	case SMTPC_S_EHLO:
	case SMTPC_S_HELO: return hello(c);
	case SMTPC_S_MAIL: return mail_reply(c);
	case SMTPC_S_RCPT: return rcpt_reply(c);
	case SMTPC_S_DATA: return data_reply(c);
	case SMTPC_S_FINAL: return final_reply(c);
	case SMTPC_S_RSET: return good(c) ? ready(c) : smtpc_stray(c);
	case SMTPC_S_READY: /* nobody asked */
	case SMTPC_S_TEXT:
	case SMTPC_S_QUIT:
	case SMTPC_S_BROKEN: break;
	}
	return smtpc_stray(c);
}

static enum smtpc_event
reply_line(struct smtpc *c, struct slice behind)
{
	struct slice line = slice_of(c->reply.line, c->reply.len);

	join(c, line);
	if (c->state == SMTPC_S_EHLO && !c->reply.first)
		capability(c, line);
	if (!c->reply.last)
		return SMTPC_MORE;
	c->code = c->reply.code;
	c->n_heard++;
	return whole_reply(c, behind);
}

enum smtpc_event
smtpc_push(struct smtpc *c, struct slice *in)
{
	enum smtpc_event e = SMTPC_MORE;

	while (e == SMTPC_MORE && c->state != SMTPC_S_BROKEN && in->len > 0) {
		switch (reply_push(&c->reply, in)) {
		case REPLY_MORE: break;
		case REPLY_LINE: e = reply_line(c, *in); break;
		case REPLY_BAD:
			c->code = 0;
			e = broken(c);
			break;
		}
	}
	return e;
}
