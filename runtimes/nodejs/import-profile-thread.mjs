// Instruments ES modules in the thread that Module.register starts.
import { instrumented } from './import-profile-source.cjs';

export async function load(url, context, nextLoad) {
  return instrumented(url, await nextLoad(url, context));
}
