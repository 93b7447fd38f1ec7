/* load_reply.c - what the server's answers mean; see load.h */
#include "tests/bench/load.h"

#include <string.h>

int
load_reply_netstring(const char *in, size_t len, char *code)
{
	size_t i, want = 0;

	for (i = 0; i < len && in[i] >= '0' && in[i] <= '9'; i++) {
		want = want * 10 + (size_t)(in[i] - '0');
		if (want > LOAD_IN_MAX - 16)
			return -1;
	}
	if (i == len)
		return 0;
	if (in[i] != ':' || i == 0 || want == 0)
		return -1;
	if (len < i + 1 + want + 1)
		return 0;
	*code = in[i + 1];
	if (in[i + 1 + want] != ',' || memchr("KZD", *code, 3) == NULL)
		return -1;
	return (int)(i + 1 + want + 1);
}

static bool
digits(const char *s)
{
	return s[0] >= '2' && s[0] <= '5' && s[1] >= '0' && s[1] <= '9' &&
	       s[2] >= '0' && s[2] <= '9';
}

int
load_reply_smtp(const char *in, size_t len, int *code, bool *pipelining)
{
	const char *line = in, *end;
	size_t left = len;

	while ((end = memchr(line, '\n', left)) != NULL) {
		if (end - line < 4 || !digits(line))
			return -1;
		if (end - line >= 14 && !memcmp(line + 4, "PIPELINING", 10))
			*pipelining = true;
		left -= (size_t)(end + 1 - line);
		if (line[3] != '-') {
			*code = (line[0] - '0') * 100 + (line[1] - '0') * 10 +
				(line[2] - '0');
			return (int)(end + 1 - in);
		}
		line = end + 1;
	}
	return len == LOAD_IN_MAX ? -1 : 0;
}
