#include "qmqpd/qmqp.h"

/* Steps return this when there is nothing to tell but more to take. */
enum { NOTHING = QMQP_BAD + 1 };

static int
bad(struct qmqp *q)
{
	if (q->state != QMQP_S_BROKEN)
		q->broken_in = q->state;
	q->state = QMQP_S_BROKEN;
	return QMQP_BAD;
}

static int
more_or_bad(struct qmqp *q, enum field_result r)
{
	return r == FIELD_MORE ? QMQP_MORE : bad(q);
}

static int
outer(struct qmqp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_push(&q->outer, NULL, in, piece);

	if (r != FIELD_HEAD)
		return more_or_bad(q, r);
	if (q->outer.left > QMQP_PACKAGE_MAX)
		return bad(q);
	/* The payload is paid for by outer_left from here on; the field
	 * itself has only its comma to come. */
	q->outer_left = q->outer.left;
	q->outer.left = 0;
	q->state = QMQP_S_TEXT;
	return NOTHING;
}

static int
text(struct qmqp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_push(&q->text, &q->outer_left, in, piece);

	switch (r) {
	case FIELD_HEAD: q->text_len = q->text.left; return QMQP_BEGIN;
	case FIELD_BYTES:
		field_take(&q->text, &q->outer_left, in, piece->len);
		return QMQP_TEXT;
	case FIELD_END:
		q->state = QMQP_S_SENDER; /* fails if nothing is left */
		return NOTHING;
	case FIELD_MORE:
	case FIELD_BAD: break;
	}
	return more_or_bad(q, r);
}

static int
address(struct qmqp *q, struct slice *in, struct slice *piece, int event)
{
	enum field_result r =
	    field_address_push(&q->address, &q->outer_left, in, piece);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	q->state = q->outer_left > 0 ? QMQP_S_RCPT : QMQP_S_OUTER_END;
	return event;
}

static int
outer_end(struct qmqp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_push(&q->outer, NULL, in, piece);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	q->state = QMQP_S_OVER;
	return QMQP_END;
}

static int
step(struct qmqp *q, struct slice *in, struct slice *piece)
{
	switch (q->state) {
	case QMQP_S_OUTER: return outer(q, in, piece);
	case QMQP_S_TEXT: return text(q, in, piece);
	case QMQP_S_SENDER: return address(q, in, piece, QMQP_SENDER);
	case QMQP_S_RCPT: return address(q, in, piece, QMQP_RCPT);
	case QMQP_S_OUTER_END: return outer_end(q, in, piece);
	case QMQP_S_OVER:
		if (in->len == 0)
			return QMQP_MORE;
		break;
	case QMQP_S_BROKEN: break;
	}
	return bad(q);
}

enum qmqp_event
qmqp_push(struct qmqp *q, struct slice *in, struct slice *piece)
{
	int event;

	do
		event = step(q, in, piece);
	while (event == NOTHING);
	return (enum qmqp_event)event;
}

const char *
qmqp_where(const struct qmqp *q)
{
	static const char *const where[] = {
	    "reading the package head", "reading the message",
	    "reading the sender",	"reading the recipients",
	    "reading the package end",	"behind the package",
	};

	return where[q->state == QMQP_S_BROKEN ? q->broken_in : q->state];
}
