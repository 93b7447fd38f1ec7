#include "qmtpd/replies.h"

#include "lib/netstring.h"

struct run {
	const char *text;
	uint32_t n;
	char code;
};

static struct run *
last(struct replies *r)
{
	return (struct run *)(void *)(r->runs.mem + r->runs.off + r->runs.len -
				      sizeof(struct run));
}

void
replies_add(struct replies *r, char code, const char *text)
{
	struct run new = {.text = text, .n = 1, .code = code};

	r->n++;
	r->n_door += code == REPLY_DOOR;
	if (r->runs.len > 0 && last(r)->code == code && last(r)->text == text)
		last(r)->n++;
	else
		buf_put(&r->runs, &new, sizeof new);
}

static void
put_one(struct buf *out, char code, struct slice text)
{
	netstring_head_put(out, 1 + text.len);
	buf_putc(out, code);
	buf_puts(out, text);
	buf_putc(out, ',');
}

bool
replies_put(struct buf *out, size_t max, struct replies *r,
	    const struct verdict *door)
{
	struct run run;

	for (; r->at < r->runs.len; r->at += sizeof run) {
		char *at = r->runs.mem + r->runs.off + r->at;

		memcpy(&run, at, sizeof run);
		for (; run.n > 0 && out->len < max; run.n--) {
			if (run.code == REPLY_DOOR)
				put_one(out, door->code, verdict_text(door));
			else
				put_one(out, run.code, slice_text(run.text));
		}
		memcpy(at, &run, sizeof run);
		if (run.n > 0)
			return false;
	}
	return true;
}

void
replies_free(struct replies *r)
{
	buf_free(&r->runs);
	*r = (struct replies){0};
}
