#include "qmqpc/talk.h"

void
talk_text(struct talk *t)
{
	t->state = TALK_S_LINE;
}

static enum talk_event
bad(struct talk *t)
{
	t->state = TALK_S_BROKEN;
	return TALK_BAD;
}

static enum talk_event
command_byte(struct talk *t, char c)
{
	if (c == '\n' || t->len == sizeof t->line)
		return bad(t);
	if (c == '\r')
		t->state = TALK_S_COMMAND_CR;
	else
		t->line[t->len++] = c;
	return TALK_MORE;
}

static enum talk_event
command_over(struct talk *t, char c, struct slice *out)
{
	if (c != '\n')
		return bad(t);
	*out = slice_of(t->line, t->len);
	t->len = 0;
	t->state = TALK_S_COMMAND;
	return TALK_COMMAND;
}

/* As much text as goes through as it is; in is not empty. */
static enum talk_event
text(struct talk *t, struct slice *in, struct slice *out)
{
	bool is_cr;
	size_t n = 0;

	while (n < in->len && in->at[n] != '\r' && in->at[n] != '\n')
		n++;
	if (n == 0 && in->at[0] == '\n')
		return bad(t);
	*out = slice_of(in->at, n);
	is_cr = n < in->len && in->at[n] == '\r';
	t->state = is_cr ? TALK_S_CR : TALK_S_TEXT;
	*in = slice_from(*in, is_cr ? n + 1 : n);
	return TALK_MORE;
}

static enum talk_event
line_over(struct talk *t, char c, struct slice *out)
{
	if (c != '\n')
		return bad(t);
	*out = SLICE("\n");
	t->state = TALK_S_LINE;
	return TALK_MORE;
}

static enum talk_event
text_over(struct talk *t, char c)
{
	if (c != '\n')
		return bad(t);
	t->state = TALK_S_COMMAND;
	return TALK_END;
}

static enum talk_event
step(struct talk *t, struct slice *in, struct slice *out)
{
	char c = in->at[0];

	if (t->state == TALK_S_LINE && c != '.')
		t->state = TALK_S_TEXT;
	if (t->state == TALK_S_DOT && c != '\r')
		t->state = TALK_S_TEXT;
	if (t->state == TALK_S_TEXT)
		return text(t, in, out);
	if (t->state == TALK_S_BROKEN)
		return TALK_BAD;
	*in = slice_from(*in, 1);
	switch (t->state) {
	case TALK_S_COMMAND: return command_byte(t, c);
	case TALK_S_COMMAND_CR: return command_over(t, c, out);
	case TALK_S_LINE: t->state = TALK_S_DOT; return TALK_MORE;
	case TALK_S_CR: return line_over(t, c, out);
	case TALK_S_DOT: t->state = TALK_S_DOT_CR; return TALK_MORE;
	default: return text_over(t, c);
	}
}

enum talk_event
talk_push(struct talk *t, struct slice *in, struct slice *out)
{
	enum talk_event event = TALK_MORE;

	*out = SLICE("");
	while (in->len > 0 && out->len == 0 && event == TALK_MORE)
		event = step(t, in, out);
	return event;
}
