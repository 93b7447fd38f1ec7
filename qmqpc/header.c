#include "qmqpc/header.h"

enum rcpts { NO_RCPTS, RCPTS, RESENT_RCPTS, RETURN };

static const struct field {
	const char *name;
	unsigned seen;
	bool is_dropped;
	enum rcpts rcpts;
} fields[] = {
    {"to", HEADER_TO, false, RCPTS},
    {"cc", HEADER_TO, false, RCPTS},
    {"bcc", 0, true, RCPTS},
    {"resent-to", 0, false, RESENT_RCPTS},
    {"resent-cc", 0, false, RESENT_RCPTS},
    {"resent-bcc", 0, true, RESENT_RCPTS},
    {"date", HEADER_DATE, false, NO_RCPTS},
    {"from", HEADER_FROM, false, NO_RCPTS},
    {"message-id", HEADER_MESSAGE_ID, false, NO_RCPTS},
    {"resent-date", HEADER_RESENT_DATE, false, NO_RCPTS},
    {"resent-from", HEADER_RESENT_FROM, false, NO_RCPTS},
    {"resent-message-id", HEADER_RESENT_MESSAGE_ID, false, NO_RCPTS},
    {"return-path", HEADER_RETURN_PATH, true, RETURN},
    {"content-length", 0, true, NO_RCPTS},
};

static struct slice
take(struct slice *in, size_t n)
{
	struct slice taken = slice_of(in->at, n);

	*in = slice_from(*in, n);
	return taken;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* The name and its colon are in h->name: what field is it? */
static void
field_begins(struct header *h)
{
	struct slice name = slice_trim(slice_of(h->name, h->name_len - 1));
	size_t i;

	h->in_field = true;
	h->is_dropped = false;
	h->is_read = false;
	h->state = HEADER_S_VALUE;
	if (name.len > 7 &&
	    slice_case_eq(slice_of(name.at, 7), SLICE("resent-")))
		h->seen |= HEADER_RESENT;
	for (i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (!slice_case_eq(name, slice_text(fields[i].name)))
			continue;
		h->is_dropped =
		    fields[i].is_dropped ||
		    (h->drops_from && fields[i].seen == HEADER_FROM) ||
		    (h->drops_id && fields[i].seen == HEADER_MESSAGE_ID);
		h->is_return = fields[i].rcpts == RETURN;
		if (!h->is_dropped || h->is_return)
			h->seen |= fields[i].seen;
		h->is_read = h->is_return ? h->wants_return
					  : fields[i].rcpts != NO_RCPTS;
		h->is_resent_rcpt = fields[i].rcpts == RESENT_RCPTS;
		h->list = (struct addrlist){0};
	}
}

static enum header_event
list_event(struct header *h, enum addrlist_event event)
{
	if (event == ADDRLIST_MORE)
		return HEADER_MORE;
	if (event == ADDRLIST_ADDRESS)
		return h->is_return ? HEADER_RETURN : HEADER_RCPT;
	h->is_read = false;
	return HEADER_BAD;
}

/* A line begins that does not continue the field, so the field is over. */
static enum header_event
field_ends(struct header *h)
{
	h->in_field = false;
	if (!h->is_read)
		return HEADER_MORE;
	h->is_read = false;
	return list_event(h, addrlist_end(&h->list));
}

static enum header_event
over(struct header *h)
{
	h->state = HEADER_S_OVER;
	return HEADER_END;
}

static enum header_event
line(struct header *h, struct slice *in)
{
	if (is_space(in->at[0])) {
		if (!h->in_field)
			return over(h);
		h->state = HEADER_S_VALUE;
		return HEADER_MORE;
	}
	if (h->in_field)
		return field_ends(h);
	if (in->at[0] == '\n') {
		take(in, 1);
		return over(h);
	}
	h->state = HEADER_S_NAME;
	h->name_len = 0;
	return HEADER_MORE;
}

/* "From " begins a mailbox's separator, unless it is "From :". */
static bool
mailbox_line(const struct header *h, char c)
{
	return !h->had_line && !is_space(c) && c != ':' &&
	       slice_eq(slice_of(h->name, h->name_len), SLICE("From "));
}

static bool
name_goes_on(const struct header *h, char c)
{
	if (h->name_len == sizeof h->name || c == '\n')
		return false;
	if (c == ':' || is_space(c))
		return h->name_len > 0;
	return c > 0x20 && c < 0x7f &&
	       (h->name_len == 0 || !is_space(h->name[h->name_len - 1]));
}

static enum header_event
name(struct header *h, struct slice *in, struct slice *out)
{
	while (in->len > 0) {
		char c = in->at[0];

		if (mailbox_line(h, c)) {
			h->had_line = true;
			h->in_field = true;
			h->is_dropped = h->is_read = false;
			h->state = HEADER_S_VALUE;
			*out = SLICE("X-Mailbox-Line: From ");
			return HEADER_MORE;
		}
		if (!name_goes_on(h, c)) {
			*out = slice_of(h->name, h->name_len);
			return over(h);
		}
		h->name[h->name_len++] = c;
		take(in, 1);
		if (c == ':') {
			h->had_line = true;
			field_begins(h);
			if (!h->is_dropped)
				*out = slice_of(h->name, h->name_len);
			return HEADER_MORE;
		}
	}
	return HEADER_MORE;
}

/* Up to the end of the line, or of an address in it; what comes behind that is
 * looked at when it is its turn, or a line of many would be their square. */
static enum header_event
read_value(struct header *h, struct slice in, size_t *n)
{
	enum header_event event = HEADER_MORE;

	for (*n = 0; *n < in.len && event == HEADER_MORE; ++*n) {
		event =
		    list_event(h, addrlist_push(&h->list, (uint8_t)in.at[*n]));
		if (in.at[*n] != '\n')
			continue;
		h->state = HEADER_S_LINE;
		++*n;
		break;
	}
	return event;
}

static void
pass_value(struct header *h, struct slice in, size_t *n)
{
	*n = slice_find(in, '\n');
	if (*n == in.len)
		return;
	++*n;
	h->state = HEADER_S_LINE;
}

static enum header_event
value(struct header *h, struct slice *in, struct slice *out)
{
	enum header_event event = HEADER_MORE;
	size_t n;

	if (h->is_read)
		event = read_value(h, *in, &n);
	else
		pass_value(h, *in, &n);
	*out = take(in, n);
	if (h->is_dropped)
		out->len = 0;
	return event;
}

enum header_event
header_push(struct header *h, struct slice *in, struct slice *out)
{
	enum header_event event = HEADER_MORE;

	*out = SLICE("");
	while (in->len > 0 && event == HEADER_MORE && out->len == 0) {
		switch (h->state) {
		case HEADER_S_LINE: event = line(h, in); break;
		case HEADER_S_NAME: event = name(h, in, out); break;
		case HEADER_S_VALUE: event = value(h, in, out); break;
		case HEADER_S_OVER: return HEADER_END;
		}
	}
	return event;
}

enum header_event
header_finish(struct header *h, struct slice *out)
{
	*out = SLICE("");
	if (h->state == HEADER_S_VALUE) {
		if (!h->is_dropped)
			*out = SLICE("\n");
		h->state = HEADER_S_LINE;
		return HEADER_MORE;
	}
	if (h->state == HEADER_S_NAME)
		*out = slice_of(h->name, h->name_len);
	if (h->state == HEADER_S_LINE && h->in_field)
		return field_ends(h);
	return over(h);
}
