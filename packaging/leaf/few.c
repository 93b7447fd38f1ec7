/* few.c - lib/address_why.c and lib/fs_here.c in few bytes: a small device
 * says only that it is no address, and has no users who mount file systems */
#include "lib/address.h"
#include "lib/fs.h"

const char *
address_why(struct slice address)
{
	(void)address;
	return NULL;
}

int
fs_open_here(int dir, const char *name, int flags)
{
	return fs_open(dir, name, flags, 0);
}
