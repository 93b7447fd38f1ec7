/* share_test.c - half of all at the most for bounces */
#include "lib/owner.h"
#include "smtp-gateway/share.h"
#include "tests/tap.h"

#include <string.h>

static char woken[20];

struct waiter {
	struct link link;
	char name;
};

static void
wake(struct link *link)
{
	woken[strlen(woken)] = OWNER(link, struct waiter, link)->name;
}

static size_t
take(struct share *s, bool is_bounce)
{
	size_t n = 0;

	while (n < 100 && share_take(s, is_bounce))
		n++;
	return n;
}

int
main(void)
{
	struct waiter a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
	struct share s;

	share_init(&s, 10);
	ok(take(&s, true) == 5, "bounces have half of it");
	share_wait(&s, true, &b.link);
	ok(share_is_wanted(&s), "one more waits");
	ok(take(&s, false) == 5, "other mail has the rest");
	ok(take(&s, true) == 0 && take(&s, false) == 0, "that is all");
	share_wait(&s, false, &a.link);
	share_wait(&s, false, &c.link);
	share_leave(&s, true, wake);
	ok(strcmp(woken, "a") == 0, "who waits with other mail is first");
	share_leave(&s, false, wake);
	share_leave(&s, false, wake);
	ok(strcmp(woken, "acb") == 0 && !share_is_wanted(&s),
	   "then a bounce: %s", woken);
	ok(take(&s, false) == 3 && take(&s, true) == 0,
	   "other mail may have all of it");
	share_init(&s, 10);
	take(&s, true);
	share_wait(&s, true, &b.link);
	take(&s, false);
	share_leave(&s, false, wake);
	ok(strcmp(woken, "acb") == 0, "no bounce more than half");
	share_leave(&s, true, wake);
	ok(strcmp(woken, "acbb") == 0, "but when one leaves");
	return tap_done();
}
