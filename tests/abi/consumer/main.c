/* Prints the version of the library that the stranger's project found and linked. */
#include <simplebroker.h>
#include <stdio.h>

int main(void)
{
    puts(sb_version());
    return 0;
}
