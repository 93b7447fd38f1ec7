/* tap.h - the Test Anything Protocol for tests in C, for prove(1)
 *
 *	ok(strcmp(story, told) == 0, "two recipients, cut at %zu: %s", i,
 *story); return tap_done();
 */
#ifndef QUAIL_TESTS_TAP_H
#define QUAIL_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned tap_run, tap_failed;

/* ok - one check, one line; failures name their place on stderr too */
#define ok(condition, ...)                                                     \
	tap_check((condition), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 4, 5), unused)) static bool
tap_check(bool good, const char *file, int line, const char *what, ...)
{
	va_list ap;

	printf("%sok %u - ", good ? "" : "not ", ++tap_run);
	va_start(ap, what);
	vprintf(what, ap);
	va_end(ap);
	printf("\n");
	if (!good) {
		tap_failed++;
		fprintf(stderr, "# failed at %s:%d\n", file, line);
	}
	return good;
}

/* ok_quiet - for checks in long loops: says something only when it fails */
#define ok_quiet(condition, ...)                                               \
	((condition) ? true : tap_check(false, __FILE__, __LINE__, __VA_ARGS__))

__attribute__((unused)) static int
tap_done(void)
{
	printf("1..%u\n", tap_run);
	fflush(stdout); /* a sanitizer that ends the program leaves it unsaid */
	return tap_failed ? 1 : 0;
}

#endif
