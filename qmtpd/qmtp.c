#include "qmtpd/qmtp.h"

/* Steps return this when there is nothing to tell but more to take. */
enum { NOTHING = QMTP_BAD + 1 };

static int
bad(struct qmtp *q)
{
	if (q->state != QMTP_S_BROKEN)
		q->broken_in = q->state;
	q->state = QMTP_S_BROKEN;
	return QMTP_BAD;
}

static int
more_or_bad(struct qmtp *q, enum field_result r)
{
	return r == FIELD_MORE ? QMTP_MORE : bad(q);
}

static int
text_begun(struct qmtp *q)
{
	if (q->text.left == 0 || q->text.left > QMTP_TEXT_MAX)
		return bad(q);
	q->text_len = q->text.left - 1;
	q->encoding = 0;
	return QMTP_BEGIN;
}

static int
encoding(struct qmtp *q, struct slice *in, char byte)
{
	if (byte != '\n' && byte != '\r')
		return bad(q);
	q->encoding = byte;
	field_take(&q->text, NULL, in, 1);
	return NOTHING;
}

/* The CR at the end of the last piece: did it belong to a CR LF? */
static int
held_cr(struct qmtp *q, struct slice *piece, bool before_lf)
{
	q->cr_held = false;
	if (before_lf)
		return NOTHING;
	*piece = SLICE("\r");
	return QMTP_TEXT;
}

/* How many bytes of s stand for themselves, up to a CR that is the first
 * half of a CR LF, or may become it. */
static size_t
plain_length(struct slice s)
{
	size_t i = slice_find(s, '\r');

	while (i + 1 < s.len && s.at[i + 1] != '\n')
		i += 1 + slice_find(slice_from(s, i + 1), '\r');
	return i < s.len ? i : s.len;
}

static int
decode(struct qmtp *q, struct slice *in, struct slice *piece)
{
	size_t n = plain_length(*piece);

	if (q->cr_held)
		return held_cr(q, piece, piece->at[0] == '\n');
	q->cr_held = n < piece->len;
	*piece = slice_of(piece->at, n);
	field_take(&q->text, NULL, in, n + q->cr_held);
	return n > 0 ? QMTP_TEXT : NOTHING;
}

static int
text_bytes(struct qmtp *q, struct slice *in, struct slice *piece)
{
	if (!q->encoding)
		return encoding(q, in, piece->at[0]);
	if (q->encoding == '\r')
		return decode(q, in, piece);
	field_take(&q->text, NULL, in, piece->len);
	return QMTP_TEXT;
}

static int
text(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_push(&q->text, NULL, in, piece);

	switch (r) {
	case FIELD_HEAD: return text_begun(q);
	case FIELD_BYTES: return text_bytes(q, in, piece);
	case FIELD_END:
		q->state = QMTP_S_SENDER;
		return q->cr_held ? held_cr(q, piece, false) : NOTHING;
	case FIELD_MORE:
	case FIELD_BAD: break;
	}
	return more_or_bad(q, r);
}

static int
sender(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_address_push(&q->address, NULL, in, piece);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	q->state = q->quail ? QMTP_S_PARAMS : QMTP_S_LIST;
	return QMTP_SENDER;
}

/* Are they netstrings, one behind the other? */
static bool
params_good(const struct qmtp *q)
{
	struct slice rest = qmtp_params(q), one;

	while (netstring_slice(&rest, &one) == 0)
		;
	return rest.len == 0;
}

/* One list of parameters, as a whole. */
static enum field_result
params(struct qmtp *q, uint64_t *budget, struct slice *in)
{
	struct slice piece;

	for (;;) {
		enum field_result r = field_push(&q->list, budget, in, &piece);

		switch (r) {
		case FIELD_HEAD:
			if (q->list.left > sizeof q->params)
				return FIELD_BAD;
			q->params_len = 0;
			break;
		case FIELD_BYTES:
			memcpy(q->params + q->params_len, piece.at, piece.len);
			q->params_len += piece.len;
			field_take(&q->list, budget, in, piece.len);
			break;
		case FIELD_END: return params_good(q) ? r : FIELD_BAD;
		case FIELD_MORE:
		case FIELD_BAD: return r;
		}
	}
}

static int
message_params(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = params(q, NULL, in);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	q->state = QMTP_S_LIST;
	*piece = qmtp_params(q);
	return QMTP_PARAMS;
}

static int
rcpt_params(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = params(q, &q->list_left, in);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	q->state = q->list_left > 0 ? QMTP_S_RCPT : QMTP_S_LIST_END;
	*piece = q->rcpt;
	return QMTP_RCPT;
}

static int
list(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_push(&q->text, NULL, in, piece);

	if (r != FIELD_HEAD)
		return more_or_bad(q, r);
	if (q->text.left > QMTP_LIST_MAX)
		return bad(q);
	/* The list's payload is paid for by list_left from here on; the
	 * field itself has only its comma to come. */
	q->list_left = q->text.left;
	q->text.left = 0;
	q->state = q->list_left > 0 ? QMTP_S_RCPT : QMTP_S_LIST_END;
	return NOTHING;
}

static int
rcpt(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r =
	    field_address_push(&q->address, &q->list_left, in, piece);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	if (q->quail) {
		q->rcpt = *piece; /* stays in q->address */
		q->state = QMTP_S_RCPT_PARAMS;
		return NOTHING;
	}
	if (q->list_left == 0)
		q->state = QMTP_S_LIST_END;
	return QMTP_RCPT;
}

static int
list_end(struct qmtp *q, struct slice *in, struct slice *piece)
{
	enum field_result r = field_push(&q->text, NULL, in, piece);

	if (r != FIELD_END)
		return more_or_bad(q, r);
	q->state = QMTP_S_TEXT;
	return QMTP_END;
}

static int
step(struct qmtp *q, struct slice *in, struct slice *piece)
{
	switch (q->state) {
	case QMTP_S_TEXT: return text(q, in, piece);
	case QMTP_S_SENDER: return sender(q, in, piece);
	case QMTP_S_PARAMS: return message_params(q, in, piece);
	case QMTP_S_LIST: return list(q, in, piece);
	case QMTP_S_RCPT: return rcpt(q, in, piece);
	case QMTP_S_RCPT_PARAMS: return rcpt_params(q, in, piece);
	case QMTP_S_LIST_END: return list_end(q, in, piece);
	case QMTP_S_BROKEN: break;
	}
	return bad(q);
}

enum qmtp_event
qmtp_push(struct qmtp *q, struct slice *in, struct slice *piece)
{
	int event;

	do
		event = step(q, in, piece);
	while (event == NOTHING);
	return (enum qmtp_event)event;
}

struct slice
qmtp_params(const struct qmtp *q)
{
	return slice_of(q->params, q->params_len);
}

bool
qmtp_resting(const struct qmtp *q)
{
	return q->state == QMTP_S_TEXT && !q->text.in_body &&
	       q->text.head.digits == 0;
}

const char *
qmtp_where(const struct qmtp *q)
{
	static const char *const where[] = {
	    "reading the text",	      "reading the sender",
	    "reading the parameters", "reading the list",
	    "reading the recipients", "reading a recipient's parameters",
	    "reading the list end",
	};

	if (q->state == QMTP_S_BROKEN)
		return where[q->broken_in];
	return qmtp_resting(q) ? "between packages" : where[q->state];
}
