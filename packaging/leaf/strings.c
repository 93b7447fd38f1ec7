/* strings.c - some of string.h for the static leaf, a byte at a time
 *
 * For sets of a few characters and the like: libc's are made for long texts,
 * and the leaf's long texts are not C strings.
 *
 * Test  tests/leaflibc_test.c
 */
#include <string.h>

char *
strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)s;
}

size_t
strcspn(const char *s, const char *set)
{
	size_t n = 0;

	while (s[n] && !*strchrnul(set, s[n]))
		n++;
	return n;
}

size_t
strlen(const char *s)
{
	return (size_t)(strchrnul(s, 0) - s);
}
