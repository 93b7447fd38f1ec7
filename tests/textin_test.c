/* textin_test.c - line ends and the single dot, at every cut */
#include "qmqpc/textin.h"

#include "lib/buf.h"
#include "tests/tap.h"

static void
run(struct buf *got, struct slice in, size_t piece, bool dots_are_text)
{
	struct textin t = {.dots_are_text = dots_are_text};
	enum textin_event e = TEXTIN_MORE;
	struct slice part, out;

	buf_clear(got);
	while (in.len > 0) {
		part = slice_of(in.at, in.len < piece ? in.len : piece);
		in = slice_from(in, part.len);
		while (part.len > 0 && e != TEXTIN_END) {
			e = textin_push(&t, &part, &out);
			buf_puts(got, out);
		}
	}
	textin_finish(&t, &out);
	buf_puts(got, out);
}

static const struct {
	const char *in, *plain, *dots; /* without and with -i */
} cases[] = {
    {"a\r\nb\rc\n.\r\nd", "a\nb\rc\n", "a\nb\rc\n.\nd"},
    {"a\nb\n.\nc\n.\n", "a\nb\n", "a\nb\n.\nc\n.\n"},
    {"", "", ""},
    {".", "", "."},
    {".\n", "", ".\n"},
    {".\r\nx", "", ".\nx"},
    {"..\n.a\n. \nb", "..\n.a\n. \nb", "..\n.a\n. \nb"},
    {"a.\n.b\n", "a.\n.b\n", "a.\n.b\n"},
    {"a\n\n.\n", "a\n\n", "a\n\n.\n"},
    {"no last LF", "no last LF", "no last LF"},
    {"last CR\r", "last CR\r", "last CR\r"},
    {"\r\r\n\r\n\n\r", "\r\n\n\n\r", "\r\n\n\n\r"},
    {"a\r.\nb", "a\r.\nb", "a\r.\nb"},
    {"a\n.\rb\n", "a\n.\rb\n", "a\n.\rb\n"},
    {"a\r\n.\r\nb", "a\n", "a\n.\nb"},
    {"a\n\r\n.b", "a\n\n.b", "a\n\n.b"},
    {"a\n\r.\n", "a\n\r.\n", "a\n\r.\n"},
};

int
main(void)
{
	struct buf got = {0};
	size_t i, piece;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice in = slice_text(cases[i].in);
		bool good = true;

		for (piece = 1; piece <= in.len + 1; piece++) {
			run(&got, in, piece, false);
			good &= slice_eq(buf_slice(&got),
					 slice_text(cases[i].plain));
			run(&got, in, piece, true);
			good &= slice_eq(buf_slice(&got),
					 slice_text(cases[i].dots));
		}
		ok(good, "case %zu", i);
	}
	run(&got, slice_of("a\0b\r\n\0\r", 7), 1, false);
	ok(slice_eq(buf_slice(&got), slice_of("a\0b\n\0\r", 6)), "NUL stays");
	buf_free(&got);
	return tap_done();
}
