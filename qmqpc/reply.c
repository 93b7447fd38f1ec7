#include "qmqpc/reply.h"

static enum reply_result
bad(struct reply *r)
{
	r->state = REPLY_S_BROKEN;
	return REPLY_BAD;
}

static enum reply_result
head_byte(struct reply *r, uint8_t byte)
{
	switch (netstring_head_push(&r->head, byte)) {
	case NETSTRING_MORE: return REPLY_MORE;
	case NETSTRING_BAD: break;
	case NETSTRING_DONE:
		if (r->head.len == 0 || r->head.len > REPLY_MAX)
			break;
		r->left = r->head.len;
		r->state = REPLY_S_TEXT;
		return REPLY_MORE;
	}
	return bad(r);
}

static enum reply_result
text_byte(struct reply *r, uint8_t byte)
{
	if (r->len == 0 && byte != 'K' && byte != 'Z' && byte != 'D')
		return bad(r);
	if (r->len < sizeof r->text)
		r->text[r->len++] = (char)byte;
	if (--r->left == 0)
		r->state = REPLY_S_END;
	return REPLY_MORE;
}

enum reply_result
reply_push(struct reply *r, uint8_t byte)
{
	switch (r->state) {
	case REPLY_S_HEAD: return head_byte(r, byte);
	case REPLY_S_TEXT: return text_byte(r, byte);
	case REPLY_S_END:
		if (byte != ',')
			break;
		r->state = REPLY_S_OVER;
		return REPLY_DONE;
	case REPLY_S_OVER:
	case REPLY_S_BROKEN: break;
	}
	return bad(r);
}

void
reply_verdict(const struct reply *r, struct verdict *v)
{
	verdict_parse(v, slice_of(r->text, r->len));
}
