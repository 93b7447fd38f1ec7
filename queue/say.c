#include "queue/say.h"

#include <stdio.h>

void
say_slice(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		putchar(s.at[i] >= ' ' && s.at[i] <= '~' ? s.at[i] : '?');
}

void
say_json(struct slice s)
{
	size_t i;

	putchar('"');
	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ' || c > '~')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}
