/* The public header, alone and twice: it needs nothing before it and bears repetition. */
#include <simplebroker.h>
#include <simplebroker.h>
