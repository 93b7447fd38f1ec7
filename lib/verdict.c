#include "lib/verdict.h"

void
verdict_set(struct verdict *v, char code, struct slice text)
{
	size_t i, n = 0;

	v->code = code;
	v->about = VERDICT_MAIL;
	for (i = 0; i < text.len && n < VERDICT_TEXT_MAX; i++) {
		char c = text.at[i];

		if (c == '\r' || c == '\n' || c == '\t')
			c = ' ';
		if (c == ' ' && n > 0 && v->text[n - 1] == ' ')
			continue;
		v->text[n++] = c >= ' ' && c <= '~' ? c : '?';
	}
	while (n > 0 && v->text[n - 1] == ' ')
		n--;
	v->len = (uint16_t)n;
}

void
verdict_say(struct verdict *v, char code, const char *text)
{
	verdict_set(v, code, slice_text(text));
}

int
verdict_parse(struct verdict *v, struct slice wire)
{
	if (wire.len == 0 || !memchr("KZD", wire.at[0], 3)) {
		verdict_say(v, 'Z',
			    "the peer's answer makes no sense (#4.5.0)");
		return -1;
	}
	verdict_set(v, wire.at[0], slice_from(wire, 1));
	return 0;
}

static const char letters[] = {[VERDICT_MAIL] = 'Z',
			       [VERDICT_HOST] = 'H',
			       [VERDICT_LESS] = 'L',
			       [VERDICT_WAY] = 'U'};

char
verdict_letter(const struct verdict *v)
{
	return v->code == 'Z' ? letters[v->about] : v->code;
}

int
verdict_parse_agent(struct verdict *v, struct slice wire)
{
	const char *at =
	    wire.len > 0 ? memchr(letters, wire.at[0], sizeof letters) : NULL;

	if (!at)
		return verdict_parse(v, wire);
	verdict_set(v, 'Z', slice_from(wire, 1));
	v->about = (uint8_t)(at - letters);
	return 0;
}

static size_t
digits(struct slice s)
{
	size_t i = 0;

	while (i < s.len && i < 3 && s.at[i] >= '0' && s.at[i] <= '9')
		i++;
	return i;
}

/* The length of "x.y.z" at the front of s, for this class; 0 for none. */
static size_t
status_length(struct slice s, char class)
{
	size_t subject, detail;

	if (s.len < 5 || s.at[0] != class || s.at[1] != '.')
		return 0;
	subject = digits(slice_from(s, 2));
	if (subject == 0 || 2 + subject >= s.len || s.at[2 + subject] != '.')
		return 0;
	detail = digits(slice_from(s, 3 + subject));
	return detail == 0 ? 0 : 3 + subject + detail;
}

struct slice
verdict_status(const struct verdict *v)
{
	struct slice s = verdict_text(v), rest;
	char class = v->code == 'K' ? '2' : v->code == 'D' ? '5' : '4';
	size_t i, n;

	for (i = 0; i + 2 < s.len; i++) {
		if (s.at[i] != '(' || s.at[i + 1] != '#')
			continue;
		rest = slice_from(s, i + 2);
		n = status_length(rest, class);
		if (n > 0 && n < rest.len && rest.at[n] == ')')
			return slice_of(rest.at, n);
	}
	n = status_length(s, class);
	if (n > 0)
		return slice_of(s.at, n);
	/* an SMTP reply: "550 5.1.1 no such user" */
	if (digits(s) == 3 && s.len > 4 &&
	    (n = status_length(slice_from(s, 4), class)) > 0)
		return slice_of(s.at + 4, n);
	return class == '2'   ? SLICE("2.0.0")
	       : class == '5' ? SLICE("5.0.0")
			      : SLICE("4.0.0");
}
