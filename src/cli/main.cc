// The binary. What it can do: app.cc.
#include "cli/app.h"

int main(int argc, char** argv) { return playhead::run_app(argc, argv); }
