#include "lib/tidy.h"

#include <malloc.h>

void
tidy_now(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

bool
tidy_look(struct tidy *t, uint64_t done)
{
	bool pauses = done == t->seen && done != t->tidied;

	t->seen = done;
	if (!pauses)
		return false;
	t->tidied = done;
	tidy_now();
	return true;
}
