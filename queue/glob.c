#include "queue/glob.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
glob_match(struct slice pattern, struct slice s)
{
	size_t p = 0, i = 0, star = pattern.len, again = 0;

	if (slice_eq(pattern, SLICE("<>")))
		return s.len == 0;
	while (i < s.len) {
		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			again = i;
		} else if (p < pattern.len &&
			   (pattern.at[p] == '?' ||
			    lower(pattern.at[p]) == lower(s.at[i]))) {
			p++;
			i++;
		} else if (star < pattern.len) { /* the last * takes one more */
			p = star + 1;
			i = ++again;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}
