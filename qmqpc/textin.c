#include "qmqpc/textin.h"

/* How much of the text goes through as it is. */
static size_t
plain(const struct textin *t, struct slice in)
{
	size_t i;

	if (t->dots_are_text)
		return slice_find(in, '\r');
	for (i = 0; i < in.len && in.at[i] != '\r'; i++)
		if (in.at[i] == '\n' &&
		    (i + 1 == in.len || in.at[i + 1] == '.'))
			return i + 1;
	return i;
}

static void
text(struct textin *t, struct slice *in, struct slice *out)
{
	size_t n = plain(t, *in);

	*out = slice_of(in->at, n);
	if (n > 0 && in->at[n - 1] == '\n')
		t->state = TEXTIN_S_LINE;
	*in = slice_from(*in, n);
	if (in->len > 0 && in->at[0] == '\r') {
		*in = slice_from(*in, 1);
		t->state = TEXTIN_S_CR;
	}
}

/* The bytes that were held back turn out to be this text. */
static void
held(struct textin *t, struct slice *out, struct slice s)
{
	*out = s;
	t->state = TEXTIN_S_TEXT;
}

static enum textin_event
end(struct textin *t)
{
	t->state = TEXTIN_S_OVER;
	return TEXTIN_END;
}

static enum textin_event
step(struct textin *t, struct slice *in, struct slice *out)
{
	char c = in->at[0];

	switch (t->state) {
	case TEXTIN_S_LINE:
		t->state = TEXTIN_S_TEXT;
		if (c == '.' && !t->dots_are_text) {
			*in = slice_from(*in, 1);
			t->state = TEXTIN_S_DOT;
		}
		break;
	case TEXTIN_S_TEXT: text(t, in, out); break;
	case TEXTIN_S_CR:
		if (c == '\n')
			t->state = TEXTIN_S_TEXT;
		else
			held(t, out, SLICE("\r"));
		break;
	case TEXTIN_S_DOT:
		if (c == '\n')
			return end(t);
		if (c == '\r') {
			*in = slice_from(*in, 1);
			t->state = TEXTIN_S_DOT_CR;
		} else {
			held(t, out, SLICE("."));
		}
		break;
	case TEXTIN_S_DOT_CR:
		if (c == '\n')
			return end(t);
		held(t, out, SLICE(".\r"));
		break;
	case TEXTIN_S_OVER: return TEXTIN_END;
	}
	return TEXTIN_MORE;
}

enum textin_event
textin_push(struct textin *t, struct slice *in, struct slice *out)
{
	enum textin_event event = TEXTIN_MORE;

	*out = SLICE("");
	while (in->len > 0 && out->len == 0 && event == TEXTIN_MORE)
		event = step(t, in, out);
	return event;
}

void
textin_finish(struct textin *t, struct slice *out)
{
	*out = t->state == TEXTIN_S_CR ? SLICE("\r") : SLICE("");
	t->state = TEXTIN_S_OVER;
}
