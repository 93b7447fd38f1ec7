#include "qmtpd/transaction.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/dsn.h"
#include "lib/netstring.h"

#include <stdlib.h>

/* Around "KEY=VALUE" of up to 999 bytes; ".N" behind its key. */
enum { NETSTRING_ROOM = 5, NUMBER_ROOM = 6 };

struct transaction *
transaction_new(void *session, uint64_t size)
{
	struct transaction *p = calloc(1, sizeof *p);

	if (!p)
		die_nomem();
	p->session = session;
	p->size = size;
	return p;
}

void
transaction_free(struct transaction *p)
{
	door_abort(&p->message);
	list_drop(&p->link);
	replies_free(&p->replies);
	free(p->verdict);
	free(p);
}

void
transaction_refuse(struct transaction *p, char code, const char *why)
{
	p->begun = true;
	if (p->code)
		return;
	p->code = code;
	p->why = why;
	door_abort(&p->message);
}

void
transaction_rcpt(struct transaction *p, struct slice rcpt, char code,
		 const char *why)
{
	if (p->code) {
		replies_add(&p->replies, p->code, p->why);
	} else if (code != 'K') {
		replies_add(&p->replies, code, why);
	} else {
		replies_add(&p->replies, REPLY_DOOR, NULL);
		door_rcpt(&p->message, rcpt);
	}
}

/* "KEY=VALUE" as an attribute, its key with the recipient's number. */
static void
put_attr(struct transaction *p, struct slice param, const size_t *n)
{
	size_t eq = slice_find(param, '=');
	struct buf key = {0};

	if (n)
		dsn_attr_put(&key, slice_of(param.at, eq), *n);
	else
		buf_puts(&key, slice_of(param.at, eq));
	p->attrs_len += key.len + param.len - eq + NETSTRING_ROOM;
	buf_putc(&key, 0);
	door_attr(&p->message, buf_slice(&key).at, slice_from(param, eq + 1));
	buf_free(&key);
}

void
transaction_params(struct transaction *p, struct slice params)
{
	struct slice one;

	while (netstring_slice(&params, &one) == 0)
		if (!p->code && dsn_of_message(one))
			put_attr(p, one, NULL);
}

bool
transaction_params_fit(const struct transaction *p, struct slice params)
{
	struct slice one;
	size_t n = p->attrs_len;

	while (netstring_slice(&params, &one) == 0)
		if (dsn_of_rcpt(one))
			n += one.len + NUMBER_ROOM + NETSTRING_ROOM;
	return n <= TRANSACTION_ATTRS;
}

void
transaction_rcpt_params(struct transaction *p, struct slice params)
{
	size_t n = p->replies.n_door - 1;
	struct slice one;

	while (netstring_slice(&params, &one) == 0)
		if (!p->code && dsn_of_rcpt(one))
			put_attr(p, one, &n);
}

void
transaction_complete(struct transaction *p)
{
	p->complete = true;
	if (p->replies.n_door > 0)
		door_commit(&p->message);
	else
		p->decided = true; /* and aborted, when it is freed */
}

static void
say_ok(struct verdict *v, uint64_t id)
{
	struct buf text = {0};

	buf_text(&text, "ok ");
	buf_number(&text, (uint64_t)clock_s());
	buf_text(&text, " qp ");
	buf_hex(&text, 16, id);
	verdict_set(v, 'K', buf_slice(&text));
	buf_free(&text);
}

void
transaction_decide(struct transaction *p, const struct verdict *v)
{
	uint64_t kept = door_kept(&p->message, v);

	if (!p->verdict)
		p->verdict = malloc(sizeof *p->verdict);
	if (!p->verdict)
		die_nomem();
	*p->verdict = *v;
	if (v->code == 'K' && !p->complete) /* nothing was committed */
		verdict_say(p->verdict, 'Z', "the queue is confused (#4.3.0)");
	else if (v->code == 'K' && (v->len == 0 || kept != p->message.id))
		say_ok(p->verdict, kept);
	p->decided = true;
}
