export { pathCommands as lineCommands } from "../shared/path_keys";
