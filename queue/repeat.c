#include "queue/repeat.h"

#include "lib/frame.h"
#include "queue/entry.h"

static const char name[] = "message-id";

enum { NAME = sizeof name - 1, PIN_MAX = 128 };

/* the header */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static enum repeat_state
begin_name(struct repeat_header *h, char c)
{
	h->matched = lower(c) == name[0];
	return h->matched ? REPEAT_NAME : REPEAT_SKIP;
}

static enum repeat_state
line_begins(struct repeat_header *h, char c)
{
	if (c == '\n')
		return REPEAT_OVER;
	return c == '\r' ? REPEAT_END : begin_name(h, c);
}

static enum repeat_state
name_goes_on(struct repeat_header *h, char c)
{
	if (h->matched == NAME)
		return c == ':'	     ? REPEAT_VALUE
		       : is_blank(c) ? REPEAT_COLON
		       : c == '\n'   ? REPEAT_LINE
				     : REPEAT_SKIP;
	if (lower(c) == name[h->matched]) {
		h->matched++;
		return REPEAT_NAME;
	}
	return c == '\n' ? REPEAT_LINE : REPEAT_SKIP;
}

static enum repeat_state
value_goes_on(struct repeat_header *h, char c)
{
	if (c == '\n')
		return REPEAT_FOLD;
	h->is_found = !is_blank(c);
	return h->is_found ? REPEAT_OVER : REPEAT_VALUE;
}

static enum repeat_state
step(struct repeat_header *h, char c)
{
	switch (h->state) {
	case REPEAT_LINE: return line_begins(h, c);
	case REPEAT_END: return c == '\n' ? REPEAT_OVER : REPEAT_SKIP;
	case REPEAT_NAME:
	case REPEAT_COLON: return name_goes_on(h, c);
	case REPEAT_VALUE: return value_goes_on(h, c);
	case REPEAT_FOLD:
		return c == ' ' || c == '\t' ? REPEAT_VALUE : line_begins(h, c);
	case REPEAT_SKIP: return c == '\n' ? REPEAT_LINE : REPEAT_SKIP;
	case REPEAT_OVER: break;
	}
	return REPEAT_OVER;
}

void
repeat_header_push(struct repeat_header *h, struct slice text)
{
	while (text.len > 0 && h->state != REPEAT_OVER) {
		if (h->state == REPEAT_SKIP) {
			text = slice_from(text, slice_find(text, '\n'));
			if (text.len == 0)
				break;
		}
		h->state = step(h, text.at[0]);
		text = slice_from(text, 1);
	}
}

/* attributes */

void
repeat_init(struct repeat *r, const struct texthash_key *key)
{
	*r = (struct repeat){0};
	texthash_init(&r->hash, key);
}

void
repeat_free(struct repeat *r)
{
	buf_free(&r->pin);
}

static int
take_trace(struct repeat *r, struct slice value, bool has_text)
{
	if (r->has_trace || has_text ||
	    slice_number(value, FRAME_REST_MAX, &r->trace_left) != 0)
		return -1;
	r->trace_size = r->trace_left;
	r->has_trace = true;
	return 1;
}

static int
take_session(struct repeat *r, struct slice value)
{
	if (r->has_session || slice_number(value, UINT64_MAX, &r->session) != 0)
		return -1;
	r->has_session = true;
	return 1;
}

static int
take_pin(struct repeat *r, struct slice value)
{
	if (r->pin.len > 0 || value.len == 0 || value.len > PIN_MAX)
		return -1;
	buf_puts(&r->pin, value);
	return 1;
}

int
repeat_attr(struct repeat *r, struct slice attr, bool has_text)
{
	if (slice_starts(attr, SLICE("trace=")))
		return take_trace(r, slice_from(attr, 6), has_text);
	if (slice_starts(attr, SLICE("session=")))
		return take_session(r, slice_from(attr, 8));
	if (slice_starts(attr, SLICE("pin=")))
		return take_pin(r, slice_from(attr, 4));
	if (slice_eq(attr, SLICE("relay=1")))
		r->is_trusted = true;
	return 0;
}

/* the key */

/* The trace lines in front are new each time a client tries. */
void
repeat_text(struct repeat *r, struct slice text)
{
	size_t skip =
	    text.len < r->trace_left ? text.len : (size_t)r->trace_left;

	r->trace_left -= skip;
	text = slice_from(text, skip);
	repeat_header_push(&r->header, text);
	texthash_push(&r->hash, text);
}

/* One number for both: front ends count their connections by themselves. Two
 * that come out the same cost a duplicate. */
static uint32_t
session_of(const struct repeat *r, uint32_t link)
{
	uint64_t n = (r->session + 1) * 0x9e3779b97f4a7c15u ^
		     (link + 1) * 0xbf58476d1ce4e5b9u;
	uint32_t session = (uint32_t)(n >> 32);

	return session ? session : 1;
}

/* The lengths go in too, so that no byte can move from one to another. */
static void
end_key(struct repeat *r, struct incoming *in)
{
	uint8_t result[SIPHASH_SIZE];
	struct slice client = buf_slice(&r->pin);
	uint64_t sizes[] = {in->text_len - r->trace_size, in->sender.len,
			    in->rcpts.len, r->pin.len};

	if (client.len == 0)
		entry_attr(buf_slice(&in->attrs), "client", &client);
	texthash_push(&r->hash, buf_slice(&in->sender));
	texthash_push(&r->hash, buf_slice(&in->rcpts));
	texthash_push(&r->hash, client);
	texthash_push(&r->hash, slice_of((const char *)sizes, sizeof sizes));
	texthash_end(&r->hash, result);
	memcpy(in->key, result, sizeof in->key);
}

void
repeat_finish(struct repeat *r, struct incoming *in, uint32_t link)
{
	end_key(r, in);
	in->is_trusted = r->is_trusted;
	if (!r->is_trusted || !r->has_trace || r->trace_left > 0 ||
	    !r->has_session || !r->header.is_found)
		return;
	in->session = session_of(r, link);
	in->has_key = true;
}
