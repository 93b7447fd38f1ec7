#include "lib/private.h"

#include "lib/die.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* It may be none already, where a sandbox lets nobody set limits. By prlimit:
 * musl's setrlimit is 3 KB, for threads. */
static bool
has_no_core(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit now;

	return prlimit(0, RLIMIT_CORE, &none, NULL) == 0 ||
	       (prlimit(0, RLIMIT_CORE, NULL, &now) == 0 && now.rlim_cur == 0);
}

void
private_memory(void)
{
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || !has_no_core())
		die_sys("closing our memory to others", NULL);
}
