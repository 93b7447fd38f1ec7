/* frame_test - the frames of the door and the agent contract */
#include "lib/frame.h"

#include "lib/netstring.h"
#include "tests/tap.h"

#include <stdlib.h>

#define ID "69300001000000a1"

static enum frame_result
next_exact(struct slice wire, struct frame *f, size_t *used)
{
	char *copy = malloc(wire.len ? wire.len : 1);
	struct slice in;
	enum frame_result r;

	memcpy(copy, wire.at, wire.len);
	in = slice_of(copy, wire.len);
	r = frame_next(&in, f);
	*used = wire.len - in.len;
	if (r == FRAME_DONE)
		f->rest.at = wire.at + (f->rest.at - copy);
	free(copy);
	return r;
}

static void
test_every_cut(void)
{
	static const struct slice wire =
	    SLICE("28:T" ID "hello world,17:C" ID ",");
	const size_t first = 32, second = 21;
	struct frame f;
	size_t cut, used;
	bool good = true;

	ok(wire.len == first + second, "the example's length");
	for (cut = 0; cut <= wire.len; cut++) {
		enum frame_result r =
		    next_exact(slice_of(wire.at, cut), &f, &used);

		good &= ok_quiet(
		    cut < first
			? r == FRAME_MORE && used == 0
			: r == FRAME_DONE && used == first && f.type == 'T' &&
			      f.id == 0x69300001000000a1 &&
			      slice_eq(f.rest, SLICE("hello world")),
		    "cut at %zu", cut);
	}
	ok(good, "every cut of two frames");
	ok(next_exact(slice_from(wire, first), &f, &used) == FRAME_DONE &&
	       f.type == 'C' && f.rest.len == 0 && used == second,
	   "a frame without rest");
}

static void
test_wrong(void)
{
	static const struct slice bad[] = {
	    SLICE("0:,"),
	    SLICE("1:T,"),
	    SLICE("16:T69300001000000a,"),
	    SLICE(":T" ID ","),
	    SLICE("017:T" ID ","),
	    SLICE("+17:T" ID ","),
	    SLICE("17:T" ID ";"),
	    SLICE("17:t" ID ","),
	    SLICE("17:\0" ID ","),
	    SLICE("17:@" ID ","),
	    SLICE("17:[" ID ","),
	    SLICE("17:T69300001000000A1,"),
	    SLICE("17:T69300001000000g1,"),
	    SLICE("17:T 9300001000000a1,"),
	    SLICE("17:T0x300001000000a1,"),
	    SLICE("65554"), /* one more than the longest: known at once */
	    SLICE("9999999999"),
	    SLICE("65554:T" ID),
	    SLICE("99999999999999999999:"),
	    SLICE("GET / HTTP/1.1\r\n"),
	};
	struct frame f;
	size_t i, used;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(next_exact(bad[i], &f, &used) == FRAME_BAD && used == 0,
		   "bad: \"%s\"", bad[i].at);
	ok(next_exact(SLICE("65553"), &f, &used) == FRAME_MORE,
	   "the longest length goes on");
}

static void
test_biggest(void)
{
	struct buf out = {0}, text = {0};
	struct slice in;
	struct frame f;

	memset(buf_room(&text, FRAME_REST_MAX), 'x', FRAME_REST_MAX);
	buf_added(&text, FRAME_REST_MAX);
	frame_put(&out, 'T', UINT64_MAX, buf_slice(&text));
	in = buf_slice(&out);
	ok(frame_next(&in, &f) == FRAME_DONE && f.id == UINT64_MAX &&
	       slice_eq(f.rest, buf_slice(&text)) && in.len == 0,
	   "the biggest frame comes back");
	in = slice_of(out.mem, out.len - 1);
	ok(frame_next(&in, &f) == FRAME_MORE && in.len == out.len - 1,
	   "but for its last byte: more");
	out.mem[out.len - 1] = '.';
	in = buf_slice(&out);
	ok(frame_next(&in, &f) == FRAME_BAD, "with a wrong last byte: bad");
	buf_free(&out);
	buf_free(&text);
}

static void
test_put(void)
{
	struct buf out = {0};
	struct slice in;
	struct frame f;

	frame_put(&out, 'T', 0x69300001000000a1, SLICE("hello world"));
	frame_put_two(&out, 'V', 0xf, SLICE("K"), SLICE("fine"));
	frame_put_two(&out, 'V', 0, SLICE(""), SLICE(""));
	ok(slice_eq(buf_slice(&out),
		    SLICE("28:T" ID "hello world,"
			  "22:V000000000000000fKfine,17:V0000000000000000,")),
	   "bytes of three frames");
	in = buf_slice(&out);
	ok(frame_next(&in, &f) == FRAME_DONE && f.type == 'T' &&
	       frame_next(&in, &f) == FRAME_DONE && f.id == 15 &&
	       slice_eq(f.rest, SLICE("Kfine")) &&
	       frame_next(&in, &f) == FRAME_DONE && f.id == 0 &&
	       f.rest.len == 0 && frame_next(&in, &f) == FRAME_MORE,
	   "and they come back in order");
	buf_free(&out);
}

/* The examples of the pages are frames: lines that begin with who says it. */
static bool
example(const char *line)
{
	struct buf wire = {0};
	struct slice in;
	struct frame f;
	bool good;

	for (; *line && *line != '\n'; line++) {
		if (strncmp(line, "\\en", 3) == 0) {
			buf_putc(&wire, '\n');
			line += 2;
		} else {
			buf_putc(&wire, *line);
		}
	}
	in = buf_slice(&wire);
	good = frame_next(&in, &f) == FRAME_DONE && in.len == 0 &&
	       strchr("LOPSRTCAVWH", f.type);
	buf_free(&wire);
	return good;
}

static void
test_page(const char *path)
{
	FILE *page = fopen(path, "r");
	char line[200];
	unsigned n = 0;
	bool good = true;

	if (!page) {
		ok(true, "%s # SKIP not called from the top of the source",
		   path);
		return;
	}
	while (fgets(line, sizeof line, page)) {
		if (!strchr("QFA", line[0]) || strncmp(line + 1, "  ", 2) != 0)
			continue;
		n++;
		good &= ok_quiet(example(line + 3), "%s: %s", path, line);
	}
	fclose(page);
	ok(good && n > 10, "%s: its %u frames are frames", path, n);
}

int
main(void)
{
	test_every_cut();
	test_wrong();
	test_biggest();
	test_put();
	test_page("doc/quail-door.7");
	test_page("doc/quail-agent.7");
	return tap_done();
}
