#include "qmtpd/quail.h"

static const char *const keys[] = {"size=", "rcpts=", "params="};

enum { N_KEYS = sizeof keys / sizeof *keys };

static void
number_of(const struct quail_takes *t, uint64_t n[N_KEYS])
{
	n[0] = t->size;
	n[1] = t->rcpts;
	n[2] = t->params;
}

void
quail_greet(struct buf *out, const struct quail_takes *takes)
{
	struct buf all = {0}, one = {0};
	uint64_t n[N_KEYS];
	size_t i;

	number_of(takes, n);
	for (i = 0; i < N_KEYS; i++) {
		buf_clear(&one);
		buf_text(&one, keys[i]);
		buf_number(&one, n[i]);
		netstring_put(&all, buf_slice(&one));
	}
	netstring_put(out, buf_slice(&all));
	buf_free(&one);
	buf_free(&all);
}

/* -1: one of ours, but wrong, or there already. */
static int
take(struct slice param, uint64_t n[N_KEYS], bool seen[N_KEYS])
{
	size_t i;

	if (slice_find(param, '=') == param.len)
		return -1;
	for (i = 0; i < N_KEYS; i++) {
		struct slice key = slice_text(keys[i]);

		if (!slice_starts(param, key))
			continue;
		if (seen[i])
			return -1;
		seen[i] = true;
		return slice_number(slice_from(param, key.len), INT64_MAX,
				    &n[i]);
	}
	return 0;
}

static int
understand(struct slice all, struct quail_takes *takes)
{
	bool seen[N_KEYS] = {false};
	uint64_t n[N_KEYS] = {0};
	struct slice one;

	while (all.len > 0)
		if (netstring_slice(&all, &one) != 0 || take(one, n, seen) != 0)
			return -1;
	*takes = (struct quail_takes){n[0], n[1], n[2]};
	return seen[0] && n[1] > 0 && n[2] >= QUAIL_PARAMS_LEAST ? 0 : -1;
}

static enum quail_event
bad(struct quail_greeting *g)
{
	g->broken = true;
	return QUAIL_BAD;
}

enum quail_event
quail_greeted(struct quail_greeting *g, struct slice *in,
	      struct quail_takes *takes)
{
	struct slice piece;

	while (!g->broken) {
		switch (field_push(&g->field, NULL, in, &piece)) {
		case FIELD_HEAD:
			if (g->field.left > sizeof g->text)
				return bad(g);
			break;
		case FIELD_BYTES:
			memcpy(g->text + g->len, piece.at, piece.len);
			g->len += piece.len;
			field_take(&g->field, NULL, in, piece.len);
			break;
		case FIELD_END:
			if (understand(slice_of(g->text, g->len), takes) != 0)
				return bad(g);
			return QUAIL_READY;
		case FIELD_MORE: return QUAIL_MORE;
		case FIELD_BAD: return bad(g);
		}
	}
	return QUAIL_BAD;
}

void
quail_add(struct quail_batch *b, struct slice rcpt, struct slice params)
{
	netstring_put(&b->list, rcpt);
	netstring_put(&b->list, params);
	b->params_len += params.len;
	b->n++;
}

void
quail_end(struct buf *out, struct slice sender, struct slice params,
	  const struct quail_batch *b)
{
	buf_putc(out, ',');
	netstring_put(out, sender);
	netstring_put(out, params);
	netstring_put(out, buf_slice(&b->list));
}

void
quail_batch_free(struct quail_batch *b)
{
	buf_free(&b->list);
	*b = (struct quail_batch){0};
}
