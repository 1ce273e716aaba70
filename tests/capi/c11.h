/* What the C part of the test offers to the rest. */
#ifndef SAPWOOD_TESTS_C11_H
#define SAPWOOD_TESTS_C11_H

#ifdef __cplusplus
extern "C" {
#endif

/* Classifies a text as a C program does, with a scheduler. Returns the score of the best label, or a negative number, and writes the
 * label's name into a buffer of 32 characters. */
double classify_in_c(const char* model_name, const char* text, char* label);

#ifdef __cplusplus
}
#endif

#endif
