/* size.h - arithmetic on sizes that came from outside
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_SIZE_H
#define QUAIL_LIB_SIZE_H

#include <stddef.h>

/* size_add, size_mul - a + b, a * b
 *
 * Returns  0 and the result in *r; -1 when it does not fit, *r untouched.
 */
static inline int
size_add(size_t *r, size_t a, size_t b)
{
	size_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return -1;
	*r = sum;
	return 0;
}

static inline int
size_mul(size_t *r, size_t a, size_t b)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return -1;
	*r = product;
	return 0;
}

#endif
