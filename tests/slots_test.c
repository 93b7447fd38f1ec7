/* slots_test - slots that are shared, and lines of those that wait
 *
 * What slots.h says, at the sizes where a rounding could leave nobody
 * anything, and everybody's fill of it simulated. */
#include "queue/slots.h"
#include "tests/tap.h"

#include <string.h>

/* How many n of that kind take, one after the other in turns. */
static uint32_t
fill(uint32_t all, uint32_t n, bool in_doubt, uint32_t *first)
{
	uint32_t own[1000] = {0}, i, before;
	struct slots s = {.all = all, .n_wanting = in_doubt ? 0 : n - 1};

	do {
		before = s.n_running;
		for (i = 0; i < n && i < 1000; i++) {
			if (!slots_let(&s, own[i], in_doubt))
				continue;
			own[i]++;
			s.n_running++;
			s.n_doubtful += in_doubt;
		}
	} while (s.n_running > before);
	*first = own[0];
	return s.n_running;
}

static void
test_fill(void)
{
	static const struct {
		uint32_t all, n;
		bool in_doubt;
		uint32_t takes, first;
	} known[] = {
	    {0, 1, false, 0, 0},	{1, 1, false, 1, 1},
	    {2, 1, false, 1, 1},	{4, 1, false, 3, 3},
	    {20, 1, false, 18, 18},	{20, 2, false, 20, 10},
	    {20, 16, false, 20, 2},	{400, 1, false, 350, 350},
	    {400, 1000, false, 400, 1}, {0, 9, true, 0, 0},
	    {1, 9, true, 1, 1},		{2, 9, true, 1, 1},
	    {4, 9, true, 2, 1},		{20, 100, true, 18, 1},
	    {400, 1, true, 7, 7},	{400, 1000, true, 375, 1},
	};
	uint32_t takes, first;
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		takes =
		    fill(known[i].all, known[i].n, known[i].in_doubt, &first);
		ok(takes == known[i].takes && first == known[i].first,
		   "%u slots, %u %s: %u, the first %u", known[i].all,
		   known[i].n, known[i].in_doubt ? "in doubt" : "that answer",
		   takes, first);
	}
}

static void
test_no_limit(void)
{
	struct slots s = {.all = slots_no_limit, .n_running = 1000000};

	ok(slots_let(&s, 1000000, true) && slots_let(&s, 1000000, false) &&
	       slots_have_room(&s) && slots_have_doubt(&s),
	   "without a limit nobody waits");
	slots_call(&s);
	ok(s.n_called == 0, "and nothing is called back");
}

static void
test_call(void)
{
	struct slots s = {.all = 400};
	int i;

	for (i = 0; i < 1000; i++)
		slots_call(&s);
	ok(s.n_called == 100, "a quarter at a time");
	s = (struct slots){.all = 2};
	slots_call(&s);
	slots_call(&s);
	ok(s.n_called == 1, "one at least");
}

static void
test_line(void)
{
	struct place a, b, c;
	struct line l;

	memset(&a, 0, sizeof a);
	b = c = a;
	line_init(&l);
	line_put(&l, &a, LINE_NEW);
	line_put(&l, &b, LINE_NEW);
	line_put(&l, &c, LINE_OTHER);
	line_put(&l, &a, LINE_OTHER);
	ok(l.n[LINE_NEW] == 2 && l.n[LINE_OTHER] == 1 &&
	       list_first(&l.lists[LINE_NEW]) == &a.link,
	   "who stands there stays there");
	line_drop(&l, &a);
	line_drop(&l, &a);
	ok(l.n[LINE_NEW] == 1 && list_first(&l.lists[LINE_NEW]) == &b.link,
	   "and leaves it once");
	line_put(&l, &a, LINE_OTHER);
	ok(l.n[LINE_OTHER] == 2 && list_first(&l.lists[LINE_OTHER]) == &c.link,
	   "to the end of another");
}

int
main(void)
{
	test_fill();
	test_no_limit();
	test_call();
	test_line();
	return tap_done();
}
