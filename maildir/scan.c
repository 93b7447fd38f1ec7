#include "maildir/scan.h"

static void
keep(struct scan *s, struct slice part)
{
	if (part.len > SCAN_LINE_MAX || s->len > SCAN_LINE_MAX - part.len) {
		s->len = SCAN_LINE_MAX + 1;
		return;
	}
	memcpy(s->line + s->len, part.at, part.len);
	s->len += part.len;
}

static enum scan_event
line(struct scan *s)
{
	static const struct slice field = {"delivered-to:", 13};
	struct slice all = slice_of(s->line, s->len);

	s->len = 0;
	if (all.len == 0 || slice_eq(all, SLICE("\r"))) {
		s->is_over = true;
		return SCAN_OVER;
	}
	if (all.len > SCAN_LINE_MAX || all.len < field.len ||
	    !slice_case_eq(slice_of(all.at, field.len), field))
		return SCAN_MORE;
	s->address = slice_trim(slice_from(all, field.len));
	return SCAN_FOUND;
}

enum scan_event
scan_push(struct scan *s, struct slice *in)
{
	enum scan_event event = s->is_over ? SCAN_OVER : SCAN_MORE;

	while (in->len > 0 && event == SCAN_MORE) {
		size_t n = slice_find(*in, '\n');

		keep(s, slice_of(in->at, n));
		if (n < in->len) {
			event = line(s);
			n++;
		}
		*in = slice_from(*in, n);
	}
	return event;
}
