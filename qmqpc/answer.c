#include "qmqpc/answer.h"

static enum answer_result
bad(struct answer *r)
{
	r->state = ANSWER_S_BROKEN;
	return ANSWER_BAD;
}

static enum answer_result
head_byte(struct answer *r, uint8_t byte)
{
	switch (netstring_head_push(&r->head, byte)) {
	case NETSTRING_MORE: return ANSWER_MORE;
	case NETSTRING_BAD: break;
	case NETSTRING_DONE:
		if (r->head.len == 0 || r->head.len > ANSWER_MAX)
			break;
		r->left = r->head.len;
		r->state = ANSWER_S_TEXT;
		return ANSWER_MORE;
	}
	return bad(r);
}

static enum answer_result
text_byte(struct answer *r, uint8_t byte)
{
	if (r->len == 0 && byte != 'K' && byte != 'Z' && byte != 'D')
		return bad(r);
	if (r->len < sizeof r->text)
		r->text[r->len++] = (char)byte;
	if (--r->left == 0)
		r->state = ANSWER_S_END;
	return ANSWER_MORE;
}

enum answer_result
answer_push(struct answer *r, uint8_t byte)
{
	switch (r->state) {
	case ANSWER_S_HEAD: return head_byte(r, byte);
	case ANSWER_S_TEXT: return text_byte(r, byte);
	case ANSWER_S_END:
		if (byte != ',')
			break;
		r->state = ANSWER_S_OVER;
		return ANSWER_DONE;
	case ANSWER_S_OVER:
	case ANSWER_S_BROKEN: break;
	}
	return bad(r);
}

char
answer_code(const struct answer *r)
{
	return r->text[0];
}

void
answer_verdict(const struct answer *r, struct verdict *v)
{
	verdict_parse(v, slice_of(r->text, r->len));
}
