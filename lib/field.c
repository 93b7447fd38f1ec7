#include "lib/field.h"

static size_t
smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static void
take(uint64_t *budget, struct slice *in, size_t n)
{
	if (budget)
		*budget -= n;
	*in = slice_from(*in, n);
}

/* The payload and its comma must fit into what is left around them. */
static enum field_result
head_done(struct field *f, const uint64_t *budget)
{
	f->left = f->head.len;
	f->head = (struct netstring_head){0, 0};
	f->in_body = true;
	return budget && f->left >= *budget ? FIELD_BAD : FIELD_HEAD;
}

static enum field_result
head_push(struct field *f, uint64_t *budget, struct slice *in)
{
	while (in->len > 0) {
		uint8_t byte = (uint8_t)in->at[0];

		if (budget && *budget == 0)
			return FIELD_BAD;
		take(budget, in, 1);
		switch (netstring_head_push(&f->head, byte)) {
		case NETSTRING_MORE: break;
		case NETSTRING_DONE: return head_done(f, budget);
		case NETSTRING_BAD: return FIELD_BAD;
		}
	}
	return budget && *budget == 0 ? FIELD_BAD : FIELD_MORE;
}

enum field_result
field_push(struct field *f, uint64_t *budget, struct slice *in,
	   struct slice *piece)
{
	if (!f->in_body)
		return head_push(f, budget, in);
	if (in->len == 0)
		return FIELD_MORE;
	if (f->left > 0) {
		*piece = slice_of(in->at, smaller(f->left, in->len));
		return FIELD_BYTES;
	}
	if (in->at[0] != ',')
		return FIELD_BAD;
	take(budget, in, 1);
	f->in_body = false;
	return FIELD_END;
}

void
field_take(struct field *f, uint64_t *budget, struct slice *in, size_t n)
{
	f->left -= n;
	take(budget, in, n);
}

static void
collect(struct field_address *a, struct slice piece)
{
	if (piece.len > sizeof a->bytes - a->len) {
		a->too_long = true;
		return;
	}
	memcpy(a->bytes + a->len, piece.at, piece.len);
	a->len += piece.len;
}

static void
finish(struct field_address *a, struct slice *address)
{
	*address = slice_of(a->bytes, a->len);
	if (a->too_long || !address_sane(*address))
		*address = slice_of(NULL, 0);
	a->len = 0;
	a->too_long = false;
}

enum field_result
field_address_push(struct field_address *a, uint64_t *budget, struct slice *in,
		   struct slice *address)
{
	struct slice piece;

	for (;;) {
		enum field_result r = field_push(&a->field, budget, in, &piece);

		switch (r) {
		case FIELD_HEAD:
			if (a->field.left > FIELD_ADDRESS_MAX)
				return FIELD_BAD;
			break;
		case FIELD_BYTES:
			collect(a, piece);
			field_take(&a->field, budget, in, piece.len);
			break;
		case FIELD_END: finish(a, address); return r;
		case FIELD_MORE:
		case FIELD_BAD: return r;
		}
	}
}
