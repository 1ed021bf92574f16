// The resolver of layer-imports.cjs for the thread that Module.register starts, where resolving is async.
import { isMissingPackage, layerParents } from './layer-imports.cjs';

export async function resolve(specifier, context, nextResolve) {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (!isMissingPackage(specifier, error)) throw error;
    for (const parentURL of layerParents(specifier)) {
      try {
        return await nextResolve(specifier, { ...context, parentURL });
      } catch (layerError) {
        if (!isMissingPackage(specifier, layerError)) throw layerError;
      }
    }
    throw error; // the one that names the importing file
  }
}
