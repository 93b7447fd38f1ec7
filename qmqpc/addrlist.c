#include "qmqpc/addrlist.h"

static enum addrlist_event
bad(struct addrlist *a)
{
	a->state = ADDRLIST_S_BAD;
	return ADDRLIST_BAD;
}

/* Drop what was collected: it was a display name, a group's or a route. */
static void
forget(struct addrlist *a)
{
	a->len = 0;
	a->has_domain = false;
	a->is_phrase = false;
	a->gap = false;
	a->told = false;
	a->last = ADDRLIST_L_NOTHING;
}

/* A display name may be as long as it likes and hold what it likes: only an
 * address is wrong then. */
static void
add(struct addrlist *a, uint8_t byte)
{
	if (byte == 0 || byte == '\r' || byte == '\n')
		a->is_phrase = true;
	else if (a->len < sizeof a->address)
		a->address[a->len++] = (char)byte;
	else
		a->is_phrase = true;
}

/* A word begins or goes on. */
static enum addrlist_event
word(struct addrlist *a, bool begins)
{
	if (a->angle == ADDRLIST_A_BEHIND)
		return bad(a);
	if (a->last == ADDRLIST_L_WORD && (a->gap || begins))
		a->is_phrase = true;
	a->gap = false;
	a->last = ADDRLIST_L_WORD;
	return ADDRLIST_MORE;
}

static enum addrlist_event
word_byte(struct addrlist *a, uint8_t byte)
{
	if (byte < 0x20 || byte == 0x7f)
		a->is_phrase = true;
	if (word(a, false) == ADDRLIST_BAD)
		return ADDRLIST_BAD;
	add(a, byte);
	return ADDRLIST_MORE;
}

/* One address is over: at a comma, a semicolon, or the end. */
static enum addrlist_event
complete(struct addrlist *a)
{
	if (a->angle == ADDRLIST_A_INSIDE)
		return bad(a);
	a->angle = ADDRLIST_A_BEFORE;
	if (a->last == ADDRLIST_L_NOTHING) {
		forget(a);
		return ADDRLIST_MORE; /* ",," or "<>" */
	}
	if (a->is_phrase || a->last == ADDRLIST_L_AT || a->len == 0)
		return bad(a);
	a->told = true;
	return ADDRLIST_ADDRESS;
}

static enum addrlist_event
comma(struct addrlist *a)
{
	if (a->angle == ADDRLIST_A_INSIDE && a->is_route) {
		forget(a);
		return ADDRLIST_MORE;
	}
	return complete(a);
}

static enum addrlist_event
colon(struct addrlist *a)
{
	if (a->angle == ADDRLIST_A_BEHIND ||
	    (a->angle == ADDRLIST_A_INSIDE && !a->is_route) ||
	    (a->angle == ADDRLIST_A_BEFORE && a->has_domain))
		return bad(a);
	a->is_route = false;
	forget(a);
	return ADDRLIST_MORE;
}

static enum addrlist_event
at_sign(struct addrlist *a)
{
	if (a->angle == ADDRLIST_A_BEHIND)
		return bad(a);
	if (a->angle == ADDRLIST_A_INSIDE && a->last == ADDRLIST_L_NOTHING)
		a->is_route = true;
	if (a->has_domain || a->len == 0)
		a->is_phrase = true;
	a->has_domain = true;
	a->gap = false;
	a->last = ADDRLIST_L_AT;
	add(a, '@');
	return ADDRLIST_MORE;
}

static enum addrlist_event
dot(struct addrlist *a)
{
	if (a->angle == ADDRLIST_A_BEHIND)
		return bad(a);
	a->gap = false;
	a->last = ADDRLIST_L_DOT;
	add(a, '.');
	return ADDRLIST_MORE;
}

static enum addrlist_event
bracket(struct addrlist *a)
{
	if (a->last != ADDRLIST_L_AT)
		a->is_phrase = true;
	if (word(a, true) == ADDRLIST_BAD)
		return ADDRLIST_BAD;
	add(a, '[');
	a->state = ADDRLIST_S_LITERAL;
	return ADDRLIST_MORE;
}

static enum addrlist_event
angle_opens(struct addrlist *a)
{
	if (a->angle != ADDRLIST_A_BEFORE)
		return bad(a);
	forget(a);
	a->angle = ADDRLIST_A_INSIDE;
	return ADDRLIST_MORE;
}

static enum addrlist_event
angle_closes(struct addrlist *a)
{
	if (a->angle != ADDRLIST_A_INSIDE || a->is_route)
		return bad(a);
	a->angle = ADDRLIST_A_BEHIND;
	return ADDRLIST_MORE;
}

static enum addrlist_event
text_byte(struct addrlist *a, uint8_t byte)
{
	switch (byte) {
	case ' ':
	case '\t':
	case '\r':
	case '\n': a->gap = true; return ADDRLIST_MORE;
	case '"':
		a->is_phrase |= a->has_domain; /* no domain is quoted */
		a->state = ADDRLIST_S_QUOTED;
		return word(a, true);
	case '(':
		a->state = ADDRLIST_S_COMMENT;
		a->depth = 1;
		a->gap = true;
		return ADDRLIST_MORE;
	case ',': return comma(a);
	case ';': return complete(a);
	case ':': return colon(a);
	case '<': return angle_opens(a);
	case '>': return angle_closes(a);
	case '@': return at_sign(a);
	case '.': return dot(a);
	case '[': return bracket(a);
	case ')': return bad(a);
	case '\\': a->is_escaped = true; return ADDRLIST_MORE;
	default: return word_byte(a, byte);
	}
}

/* Inside of quotes a fold is white space: its line ends do not count. */
static enum addrlist_event
quoted_byte(struct addrlist *a, uint8_t byte)
{
	if (byte == '"')
		a->state = ADDRLIST_S_TEXT;
	else if (byte == '\\')
		a->is_escaped = true;
	else if (byte != '\r' && byte != '\n')
		add(a, byte);
	return ADDRLIST_MORE;
}

/* What is no part of an address between brackets, escaped or not, would make
 * another domain of it to whoever looks for the last '@'. */
static enum addrlist_event
literal_add(struct addrlist *a, uint8_t byte)
{
	if (byte <= 0x20 || byte == 0x7f || strchr("@[]\\", byte))
		a->is_phrase = true;
	else
		add(a, byte);
	return ADDRLIST_MORE;
}

static enum addrlist_event
literal_byte(struct addrlist *a, uint8_t byte)
{
	if (byte == '\\') {
		a->is_escaped = true;
	} else if (byte == ']') {
		a->state = ADDRLIST_S_TEXT;
		add(a, byte);
	} else if (byte > 0x20) {
		literal_add(a, byte);
	}
	return ADDRLIST_MORE;
}

static enum addrlist_event
comment_byte(struct addrlist *a, uint8_t byte)
{
	if (byte == '\\')
		a->is_escaped = true;
	else if (byte == '(')
		a->depth++;
	else if (byte == ')' && --a->depth == 0)
		a->state = ADDRLIST_S_TEXT;
	return ADDRLIST_MORE;
}

static enum addrlist_event
escaped_byte(struct addrlist *a, uint8_t byte)
{
	a->is_escaped = false;
	if (a->state == ADDRLIST_S_COMMENT)
		return ADDRLIST_MORE;
	if (a->state == ADDRLIST_S_TEXT) {
		a->is_phrase |= a->has_domain;
		return word_byte(a, byte);
	}
	if (a->state == ADDRLIST_S_LITERAL)
		return literal_add(a, byte);
	add(a, byte);
	return ADDRLIST_MORE;
}

enum addrlist_event
addrlist_push(struct addrlist *a, uint8_t byte)
{
	if (a->told)
		forget(a);
	if (a->is_escaped && a->state != ADDRLIST_S_BAD)
		return escaped_byte(a, byte);
	switch (a->state) {
	case ADDRLIST_S_TEXT: return text_byte(a, byte);
	case ADDRLIST_S_QUOTED: return quoted_byte(a, byte);
	case ADDRLIST_S_LITERAL: return literal_byte(a, byte);
	case ADDRLIST_S_COMMENT: return comment_byte(a, byte);
	case ADDRLIST_S_BAD: break;
	}
	return ADDRLIST_BAD;
}

enum addrlist_event
addrlist_end(struct addrlist *a)
{
	if (a->told)
		forget(a);
	if (a->state != ADDRLIST_S_TEXT || a->is_escaped)
		return bad(a);
	return complete(a);
}
