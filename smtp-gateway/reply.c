#include "smtp-gateway/reply.h"

static enum reply_event
bad(struct reply *r)
{
	r->state = REPLY_S_BROKEN;
	return REPLY_BAD;
}

static enum reply_event
code(struct reply *r, char c)
{
	if (c < '0' || c > '9' || (r->digits == 0 && (c < '2' || c > '5')))
		return bad(r);
	r->line_code = r->line_code * 10 + (unsigned)(c - '0');
	if (++r->digits == 3)
		r->state = REPLY_S_REST;
	return REPLY_MORE;
}

static enum reply_event
line(struct reply *r)
{
	r->first = r->code == 0;
	if ((!r->first && r->code != r->line_code) ||
	    ++r->lines > REPLY_LINES_MAX)
		return bad(r);
	r->code = r->line_code;
	if (r->len > 0 && r->line[r->len - 1] == '\r')
		r->len--;
	r->state = REPLY_S_CODE;
	r->told = true;
	return REPLY_LINE;
}

static enum reply_event
rest(struct reply *r, char c)
{
	if (c == '\r')
		return REPLY_MORE;
	r->last = c != '-';
	if (c == '\n')
		return line(r);
	if (c != ' ' && c != '-')
		return bad(r);
	r->state = REPLY_S_TEXT;
	return REPLY_MORE;
}

static enum reply_event
text(struct reply *r, char c)
{
	if (c == '\n')
		return line(r);
	if (r->len < REPLY_LINE_MAX)
		r->line[r->len++] = c;
	return REPLY_MORE;
}

static enum reply_event
step(struct reply *r, char c)
{
	if (++r->length > REPLY_MAX)
		return bad(r);
	switch (r->state) {
	case REPLY_S_CODE: return code(r, c);
	case REPLY_S_REST: return rest(r, c);
	case REPLY_S_TEXT: return text(r, c);
	case REPLY_S_BROKEN: break;
	}
	return bad(r);
}

/* What was told of the last line is over. */
static void
next_line(struct reply *r)
{
	if (r->last) {
		r->code = 0;
		r->length = 0;
		r->lines = 0;
	}
	r->told = r->last = false;
	r->digits = 0;
	r->line_code = 0;
	r->len = 0;
}

enum reply_event
reply_push(struct reply *r, struct slice *in)
{
	enum reply_event e = REPLY_MORE;

	while (e == REPLY_MORE && in->len > 0) {
		if (r->told)
			next_line(r);
		e = step(r, in->at[0]);
		*in = slice_from(*in, 1);
	}
	return e;
}
