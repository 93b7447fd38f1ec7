/* scan_test.c - Delivered-To lines in a header, at every cut */
#include "maildir/loops.h"
#include "maildir/scan.h"

#include "tests/tap.h"

static void
run(struct buf *told, struct slice in, size_t piece)
{
	struct scan s = {0};
	enum scan_event e = SCAN_MORE;

	buf_clear(told);
	while (in.len > 0) {
		struct slice part =
		    slice_of(in.at, in.len < piece ? in.len : piece);

		in = slice_from(in, part.len);
		while (part.len > 0 && e != SCAN_OVER) {
			e = scan_push(&s, &part);
			if (e == SCAN_FOUND) {
				buf_putc(told, '(');
				buf_puts(told, s.address);
				buf_putc(told, ')');
			}
		}
	}
	if (e == SCAN_OVER)
		buf_text(told, "over");
}

static const struct {
	const char *in, *told;
} cases[] = {
    {"Delivered-To: a@b\nX: y\nDelivered-To: c@d\n\nDelivered-To: e\n",
     "(a@b)(c@d)over"},
    {"delivered-to:a\nDELIVERED-TO: \t b \r\n", "(a)(b)"},
    {"X: Delivered-To: a\n Delivered-To: b\nXDelivered-To: c\n"
     "Delivered-Tod: x\nDelivered-To : d\n\r\nDelivered-To: e\n",
     "over"},
    {"\nDelivered-To: a\n", "over"},
    {"Delivered-To: no line end", ""},
    {"", ""},
};

static void
test_long(void)
{
	struct buf in = {0}, told = {0};
	size_t i;

	buf_text(&in, "Delivered-To: ");
	for (i = 0; i < 2000; i++)
		buf_putc(&in, 'x');
	buf_text(&in, "\nDelivered-To: a\n");
	for (i = 1; i < in.len; i = i * 2 + 1) {
		run(&told, buf_slice(&in), i);
		ok(slice_eq(buf_slice(&told), SLICE("(a)")),
		   "a long line passes, in pieces of %zu", i);
	}
	buf_free(&in);
	buf_free(&told);
}

static void
test_loops(void)
{
	static const struct slice rcpts[] = {
	    {"a@b", 3}, {"c@d", 3}, {"e@f", 3}};
	struct loops l = {0};

	loops_find(&l, SLICE("To: a@b\nDelivered-To: C"), rcpts, 3);
	ok(!loops_has(&l, 0) && !loops_has(&l, 1), "none yet");
	loops_find(&l, SLICE("@D\n\nDelivered-To: e@f\n"), rcpts, 3);
	ok(!loops_has(&l, 0) && loops_has(&l, 1) && !loops_has(&l, 2),
	   "the second of three");
	loops_free(&l);
}

int
main(void)
{
	struct buf told = {0};
	size_t i, piece;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice in = slice_text(cases[i].in);
		bool good = true;

		for (piece = 1; piece <= in.len + 1; piece++) {
			run(&told, in, piece);
			good &= slice_eq(buf_slice(&told),
					 slice_text(cases[i].told));
		}
		ok(good, "case %zu", i);
	}
	buf_free(&told);
	test_long();
	test_loops();
	return tap_done();
}
