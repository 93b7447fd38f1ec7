#include "qmtpd/qmtpc.h"

static const char ENCODING_LF = '\n';

static size_t
decimal_length(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

void
qmtpc_begin(struct buf *out, uint64_t text_size)
{
	netstring_head_put(out, text_size + 1);
	buf_putc(out, ENCODING_LF);
}

void
qmtpc_end(struct buf *out, struct slice sender, struct slice rcpt)
{
	buf_putc(out, ',');
	netstring_put(out, sender);
	netstring_head_put(out, decimal_length(rcpt.len) + rcpt.len + 2);
	netstring_put(out, rcpt);
	buf_putc(out, ',');
}

static void
keep(struct qmtpc *q, struct slice piece)
{
	size_t room = sizeof q->text - q->len;
	size_t n = piece.len < room ? piece.len : room;

	memcpy(q->text + q->len, piece.at, n);
	q->len += n;
}

static enum qmtpc_event
bad(struct qmtpc *q)
{
	q->broken = true;
	return QMTPC_BAD;
}

static enum qmtpc_event
reply(struct qmtpc *q, struct verdict *v)
{
	struct slice wire = slice_of(q->text, q->len);

	q->len = 0;
	return verdict_parse(v, wire) == 0 ? QMTPC_REPLY : bad(q);
}

enum qmtpc_event
qmtpc_push(struct qmtpc *q, struct slice *in, struct verdict *v)
{
	struct slice piece;

	while (!q->broken) {
		switch (field_push(&q->field, NULL, in, &piece)) {
		case FIELD_HEAD:
			if (q->field.left > QMTPC_REPLY_MAX)
				return bad(q);
			break;
		case FIELD_BYTES:
			keep(q, piece);
			field_take(&q->field, NULL, in, piece.len);
			break;
		case FIELD_END: return reply(q, v);
		case FIELD_MORE: return QMTPC_MORE;
		case FIELD_BAD: return bad(q);
		}
	}
	return QMTPC_BAD;
}
