// What libgreeting.so offers.
void greeting_for(const char* name, char* text, unsigned long size);
