/* sort.c - qsort(3) for the static leaf: a heap sort, in place
 *
 * libc's takes five times the room. n log n whatever the order is.
 *
 * Test  tests/leaf_static.t
 */
#include <stddef.h>
#include <stdlib.h>

typedef int
compare(const void *, const void *);

static void
swap(char *a, char *b, size_t size)
{
	while (size-- > 0) {
		char c = *a;

		*a++ = *b;
		*b++ = c;
	}
}

/* Let the element i sink until none below it is larger. */
static void
sink(char *base, size_t i, size_t n, size_t size, compare *by)
{
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n &&
		    by(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (by(base + i * size, base + child * size) >= 0)
			return;
		swap(base + i * size, base + child * size, size);
		i = child;
	}
}

void
qsort(void *all, size_t n, size_t size, compare *by)
{
	char *base = all;
	size_t i;

	for (i = n / 2; i-- > 0;)
		sink(base, i, n, size, by);
	for (i = n; i-- > 1;) {
		swap(base, base + i * size, size);
		sink(base, 0, i, size, by);
	}
}
