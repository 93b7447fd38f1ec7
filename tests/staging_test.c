/* staging_test.c - what unfinished messages may hold */
#include "queue/staging.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char text[STAGING_SHORT];

static void
test_counts_memory(void)
{
	struct staging st = {0};
	struct incoming a = {.id = 1}, b = {.id = 2};
	size_t counted_a = 0, counted_b = 0;

	buf_put(&a.text, text, 1000);
	buf_put(&a.text, text, 1);
	buf_put(&b.rcpts, text, 300);
	staging_count(&st, &counted_a, &a);
	staging_count(&st, &counted_b, &b);
	ok(st.used == 2000 + 300 + 2 * STAGING_EACH,
	   "what counts is what their buffers take, not what is in them");
	buf_put(&b.sender, text, 256);
	buf_put(&b.attrs, text, 512);
	staging_count(&st, &counted_b, &b);
	ok(st.used == 2000 + 300 + 256 + 512 + 2 * STAGING_EACH,
	   "all of the envelope");
	staging_count(&st, &counted_a, NULL);
	ok(st.used == counted_b && counted_a == 0, "one is gone");
	incoming_free(&a, -1);
	incoming_free(&b, -1);
}

static void
test_limits(void)
{
	struct staging st = {0};

	st.used = STAGING_MAX - STAGING_MAX / 8;
	ok(staging_small(&st) == INCOMING_SMALL, "an eighth is malloc's");
	st.used++;
	ok(staging_small(&st) == STAGING_SHORT, "... and then it is short");
	st.used = STAGING_HELD;
	ok(!staging_is_spent(&st), "up to the last");
	st.used++;
	ok(staging_is_spent(&st), "nothing more is given");
}

/* Pieces that doubling would carry over what is counted on. */
static void
test_short_is_short(void)
{
	char dir[] = "/tmp/quail-staging-XXXXXX", name[BIG_NAME];
	struct incoming in = {.id = 7};
	size_t n, most = 0;
	int fd;

	fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY) : -1;
	for (n = 0; n < STAGING_SHORT && in.big_fd <= 0; n += 1100) {
		ok(incoming_text(&in, fd, STAGING_SHORT,
				 slice_of(text, 1100)) == 0,
		   "a piece");
		if (in.text.cap > most)
			most = in.text.cap;
	}
	ok(most == STAGING_SHORT, "its buffer grows to the limit, not past it");
	incoming_text(&in, fd, STAGING_SHORT, slice_of(text, 1100));
	ok(in.big_fd > 0 && in.text.cap == 0, "past it, it is a file");
	incoming_free(&in, fd);
	big_name(name, 7);
	ok(faccessat(fd, name, F_OK, 0) != 0, "that is gone");
	close(fd);
	rmdir(dir);
}

static void
test_rest(void)
{
	struct staging st = {0};

	st.used = st.lately = STAGING_TIDY;
	ok(!staging_rest(&st) && !staging_rest(&st), "a load that goes on");
	st.used = 0;
	ok(!staging_rest(&st), "this second needed it still");
	ok(staging_rest(&st), "this one did not");
	ok(!staging_rest(&st), "once");
	st.used = st.lately = STAGING_TIDY - 1;
	staging_rest(&st);
	st.used = 0;
	ok(!staging_rest(&st) && !staging_rest(&st), "too little to care");
}

int
main(void)
{
	test_counts_memory();
	test_limits();
	test_short_is_short();
	test_rest();
	return tap_done();
}
