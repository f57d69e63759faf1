export { pathCommands as polygonCommands } from "../shared/path_keys";
