// stub
#pragma once
#include "structure.hpp"
namespace ml { struct Ordering {}; }
