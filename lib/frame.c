#include "lib/frame.h"

#include "lib/die.h"
#include "lib/netstring.h"

static enum frame_result
head(struct slice in, size_t *used, size_t *len)
{
	struct netstring_head h = {0, 0};
	size_t i;

	for (i = 0; i < in.len; i++) {
		switch (netstring_head_push(&h, (uint8_t)in.at[i])) {
		case NETSTRING_MORE:
			if (h.len > FRAME_HEAD + FRAME_REST_MAX)
				return FRAME_BAD;
			break;
		case NETSTRING_DONE:
			if (h.len < FRAME_HEAD)
				return FRAME_BAD;
			*used = i + 1;
			*len = (size_t)h.len;
			return FRAME_DONE;
		case NETSTRING_BAD: return FRAME_BAD;
		}
	}
	return FRAME_MORE;
}

enum frame_result
frame_next(struct slice *in, struct frame *f)
{
	enum frame_result r;
	struct slice payload;
	size_t used, len;

	r = head(*in, &used, &len);
	if (r != FRAME_DONE)
		return r;
	if (in->len - used < len + 1)
		return FRAME_MORE;
	payload = slice_of(in->at + used, len);
	if (in->at[used + len] != ',' || payload.at[0] < 'A' ||
	    payload.at[0] > 'Z' ||
	    slice_hex(slice_of(payload.at + 1, 16), &f->id) != 0)
		return FRAME_BAD;
	f->type = payload.at[0];
	f->rest = slice_from(payload, FRAME_HEAD);
	*in = slice_from(*in, used + len + 1);
	return FRAME_DONE;
}

void
frame_put_two(struct buf *out, char type, uint64_t id, struct slice a,
	      struct slice b)
{
	if (a.len > FRAME_REST_MAX || b.len > FRAME_REST_MAX - a.len)
		die_bug("a frame is too long");
	buf_room(out, FRAME_EXTRA + a.len + b.len); /* once for all */
	netstring_head_put(out, FRAME_HEAD + a.len + b.len);
	buf_putc(out, type);
	buf_hex(out, 16, id);
	buf_puts(out, a);
	buf_puts(out, b);
	buf_putc(out, ',');
}

void
frame_put(struct buf *out, char type, uint64_t id, struct slice rest)
{
	frame_put_two(out, type, id, rest, SLICE(""));
}
