/* load_smtp.c - the SMTP client's order of things; see load.h */
#include "tests/bench/load.h"

#include <stdlib.h>
#include <string.h>

static void
smtp_tell(struct load_session *s)
{
	struct load *l = s->load;
	size_t len;

	if (s->out_off == s->out_len)
		s->out_off = s->out_len = 0;
	do {
		if (s->out_max - s->out_len < 2048) {
			s->out_max = s->out_max * 2 + 4096;
			s->out = load_need(realloc(s->out, s->out_max));
		}
		len = load_text_command(&l->plan, s->n_told,
					s->out + s->out_len, 2048);
		s->out_len += len;
		s->n_told += len > 0;
	} while (s->pipelining && len > 0);
}

void
load_smtp_ready(struct load_session *s)
{
	struct load *l = s->load;
	uint64_t number;

	s->phase = LOAD_SMTP_READY;
	if (s->wake_us > l->now_us || !load_message_next(l, &number))
		return;
	load_message_begin(s, number);
	s->phase = LOAD_SMTP_ENVELOPE;
	s->n_told = s->n_heard = 0;
	smtp_tell(s);
}

/* What follows a refused MAIL says nothing more, and DATA only if some
 * recipient was accepted. */
static void
smtp_envelope(struct load_session *s, int code)
{
	struct load *l = s->load;
	unsigned n = s->n_heard++, rcpts = l->plan.rcpts;
	struct load_pending *p = &s->pending[s->first];

	if (n == 0)
		s->mail_taken = code < 300;
	if (n >= 1 && n <= rcpts) {
		s->good[n - 1] = code < 300;
		p->n_replies += code < 300;
	}
	if (code >= 500 && (n == 0 || s->mail_taken) &&
	    (n <= rcpts || p->n_replies > 0))
		p->refused = true;
	if (n < rcpts + 1) {
		if (!s->pipelining)
			smtp_tell(s);
	} else if (code == 354) {
		load_message_put(s, p->number);
		s->phase = LOAD_SMTP_TEXT;
	} else {
		load_message_over(s);
		load_smtp_ready(s);
	}
}

static void
smtp_text(struct load_session *s, int code)
{
	struct load *l = s->load;
	struct load_pending *p = &s->pending[s->first];
	unsigned i;

	if (code >= 500)
		p->refused = true;
	for (i = 0; i < l->plan.rcpts && code < 300; i++)
		if (s->good[i]) {
			load_ledger_add(l, p->number, i);
			p->n_good++;
		}
	load_message_over(s);
	load_smtp_ready(s);
}

/* load_smtp_heard - one reply; false when the session makes no sense */
bool
load_smtp_heard(struct load_session *s, int code)
{
	static const char ehlo[] = "EHLO load.test\r\n";

	switch (s->phase) {
	case LOAD_SMTP_GREETING:
		s->out = load_need(realloc(s->out, s->out_max = 8192));
		memcpy(s->out, ehlo, s->out_len = sizeof ehlo - 1);
		s->out_off = 0;
		s->phase = LOAD_SMTP_EHLO;
		return code == 220;
	case LOAD_SMTP_EHLO: load_smtp_ready(s); return code == 250;
	case LOAD_SMTP_ENVELOPE: smtp_envelope(s, code); return code != 421;
	case LOAD_SMTP_TEXT: smtp_text(s, code); return code != 421;
	case LOAD_SMTP_READY: break;
	}
	return false;
}
